"""The study that most tests are about."""

from __future__ import annotations

from core.checkpoints.studies import Started, read_started


def small_study() -> Started:
    """The small study as it is now in the checkpoints folder of the test."""
    return read_started("small")
