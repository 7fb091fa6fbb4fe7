"""Parts of pages; the first word of a file is its page."""
