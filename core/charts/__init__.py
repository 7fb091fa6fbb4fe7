"""Tables to Altair charts, for pages and report alike. One file a kind of chart."""
