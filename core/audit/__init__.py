"""What is in a corpus, how skewed it is, and what that may cost."""
