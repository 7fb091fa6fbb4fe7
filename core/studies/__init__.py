"""A study as it is asked for: its file, form, plan and forecast."""
