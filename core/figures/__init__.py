"""What pages and the report show: charts and tables with their words. One file a subject."""
