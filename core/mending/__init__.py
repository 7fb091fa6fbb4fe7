"""What is wrong with a corpus, counted and with examples, and mending it by what a user chooses."""
