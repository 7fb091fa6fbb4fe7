"""Texts with label, language and split: presets, files, the hub, licences."""
