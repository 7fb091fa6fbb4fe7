"""What a table of languages and labels says of skew, and what the skew may cost."""
