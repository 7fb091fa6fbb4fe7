"""Run folders, started studies, the index: what checkpoints/README.md describes."""
