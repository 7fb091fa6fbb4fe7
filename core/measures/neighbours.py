"""How many nearest neighbours tell a language; apart from the probe, which loads scikit-learn."""

from __future__ import annotations

NEIGHBOURS = 15
