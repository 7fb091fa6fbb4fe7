"""What a study's attributions say at the thresholds that the pages offer, kept beside the study.

Each is added up once, when the study is attributed, so that a move of the threshold is answered
from a file; whoever deletes these files loses nothing but time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import attributed, derived, study
from core.attributed import TEXTS, Texts
from core.attribution.compared import fingerprint, references

THRESHOLDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)  # in units of probability


def keep(name: str, key: str) -> None:
    """Add up and keep what attributions say against the first reference: at every threshold in both
    readings of which texts count, and the curve of language reliance.

    Args:
        key: method and budget.

    Raises:
        InputError: as `attributed.attributions`.
    """
    reference = references(name)[0]
    for texts in TEXTS:
        for threshold in THRESHOLDS:
            document = attributed.attributions(name, reference, threshold, key, texts)
            path = _path(name, key, reference, _file(threshold, texts))
            derived.keep(path, fingerprint(name), document)
    reliance_curve(name, reference, key)


def attributions(
    name: str, reference: str, threshold: float, key: str, texts: Texts = "all"
) -> dict[str, Any]:
    """As `attributed.attributions`.

    Raises:
        InputError: as `attributed.attributions`.
    """
    path = _path(name, key, reference, _file(threshold, texts))
    stored = derived.stored(path, fingerprint(name))
    return stored or attributed.attributions(name, reference, threshold, key, texts)


def reliance_curve(name: str, reference: str, key: str) -> list[dict[str, Any]]:
    """As `attributed.reliance_curve`, kept."""
    path = _path(name, key, reference, "curve")
    document = derived.kept(
        path, fingerprint(name), lambda: {"rows": attributed.reliance_curve(name, reference, key)}
    )
    return list(document["rows"])


def _file(threshold: float, texts: Texts) -> str:
    return f"{threshold:g}" + ("" if texts == "all" else f"-{texts}")


def _path(name: str, key: str, reference: str, what: str) -> Path:
    return study.started_folder(name) / "attributed" / f"{key}-{reference}-{what}.json"
