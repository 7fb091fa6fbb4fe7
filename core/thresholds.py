"""What a study's attributions say at the thresholds that the pages offer, kept beside the study.

Each is added up once, when the study is attributed, so that a move of the threshold is answered
from a file; whoever deletes these files loses nothing but time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import attributed, derived, study
from core.attribution.compared import fingerprint, references

THRESHOLDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)  # in units of probability


def keep(name: str, key: str) -> None:
    """Add up and keep what attributions say against the first reference, at every threshold.

    Args:
        key: method and budget.

    Raises:
        InputError: as `attributed.attributions`.
    """
    reference = references(name)[0]
    for threshold in THRESHOLDS:
        document = attributed.attributions(name, reference, threshold, key)
        derived.keep(_path(name, key, reference, threshold), fingerprint(name), document)


def attributions(
    name: str, reference: str, threshold: float, key: str, shown: tuple[str, int] | None = None
) -> dict[str, Any]:
    """As `attributed.attributions`; what was kept has the intervals of all runs, `shown` or not.

    Raises:
        InputError: as `attributed.attributions`.
    """
    stored = derived.stored(_path(name, key, reference, threshold), fingerprint(name))
    return stored or attributed.attributions(name, reference, threshold, key, shown)


def _path(name: str, key: str, reference: str, threshold: float) -> Path:
    file = f"{key}-{reference}-{threshold:g}.json"
    return study.started_folder(name) / "attributed" / file
