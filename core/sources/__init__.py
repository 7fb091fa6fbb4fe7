"""Files as people have them, as rows that SQL can ask for."""
