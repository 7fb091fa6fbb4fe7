"""The report of a study: the HTML file, and the folder for a paper."""
