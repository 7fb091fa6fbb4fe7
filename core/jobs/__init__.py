"""The queue, its workers, and what they can do."""
