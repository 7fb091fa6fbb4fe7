"""What a study's attributions say at the thresholds that the pages offer, kept beside the study.

Each is added up once, when the study is attributed, so that a move of the threshold is answered
from a file; whoever deletes these files loses nothing but time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.checkpoints import studies
from core.results import attributions as result_attributions
from core.results import cache
from core.results.attributions import TEXTS, Texts
from core.results.references import fingerprint, references

THRESHOLDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)  # in units of probability


def keep(name: str, key: str) -> None:
    """Add up and keep what attributions say against the first reference: at every threshold in both
    readings of which texts count, and the curve of language reliance.

    Args:
        key: method and budget.

    Raises:
        InputError: as `attributions.attributions`.
    """
    reference = references(name)[0]
    for texts in TEXTS:
        for threshold in THRESHOLDS:
            document = result_attributions.attributions(name, reference, threshold, key, texts)
            path = _path(name, key, reference, _file(threshold, texts))
            cache.keep(path, fingerprint(name), document)
    reliance_curve(name, reference, key)


def attributions(
    name: str, reference: str, threshold: float, key: str, texts: Texts = "all"
) -> dict[str, Any]:
    """As `attributions.attributions`.

    Raises:
        InputError: as `attributions.attributions`.
    """
    path = _path(name, key, reference, _file(threshold, texts))
    stored = cache.stored(path, fingerprint(name))
    return stored or result_attributions.attributions(name, reference, threshold, key, texts)


def reliance_curve(name: str, reference: str, key: str) -> list[dict[str, Any]]:
    """As `attributions.reliance_curve`, kept."""
    path = _path(name, key, reference, "curve")
    document = cache.kept(
        path,
        fingerprint(name),
        lambda: {"rows": result_attributions.reliance_curve(name, reference, key)},
    )
    return list(document["rows"])


def _file(threshold: float, texts: Texts) -> str:
    return f"{threshold:g}" + ("" if texts == "all" else f"-{texts}")


def _path(name: str, key: str, reference: str, what: str) -> Path:
    return studies.started_folder(name) / "attributed" / f"{key}-{reference}-{what}.json"
