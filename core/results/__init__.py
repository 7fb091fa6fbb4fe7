"""What a study found, as data: no sentence, no chart."""
