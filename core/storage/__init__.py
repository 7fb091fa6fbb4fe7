"""Files: where they are, whole or not at all, locked, asked by SQL, fetched."""
