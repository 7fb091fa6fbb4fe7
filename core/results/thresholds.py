"""What a study's attributions say at the thresholds that the pages offer, kept beside the study.

Each is added up once, when the study is attributed, so that a move of the threshold is answered
from a file; whoever deletes these files loses nothing but time.
"""

from __future__ import annotations

from pathlib import Path

from core.checkpoints.studies import Started
from core.errors import InputError
from core.results import attributions as result_attributions
from core.results import cache
from core.results.attributions import TEXTS, THRESHOLD, Texts
from core.results.references import available, references
from core.results.schema import Attributions, RelianceRow

THRESHOLDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)  # in units of probability


def keep(study: Started, key: str) -> None:
    """Add up and keep what attributions say against the first reference: at every threshold in both
    readings of which texts count, and the curve of language reliance.

    Args:
        key: method and budget.

    Raises:
        InputError: as `attributions.attributions`.
    """
    reference = references(study)[0]
    for texts in TEXTS:
        for threshold in THRESHOLDS:
            document = result_attributions.attributions(study, reference, threshold, key, texts)
            path = _path(study, key, reference, _file(threshold, texts))
            cache.keep(path, study.attributions_stamp, document)
    reliance_curve(study, reference, key)


def attributions(
    study: Started,
    reference: str = "balanced",
    threshold: float = THRESHOLD,
    key: str | None = None,
    texts: Texts = "all",
) -> Attributions:
    """As `attributions.attributions`, from what is kept where it is.

    Raises:
        InputError: as `attributions.attributions`.
    """
    key = key or next(iter(available(study)), None)
    if key is None:  # which says what to do
        return result_attributions.attributions(study, reference, threshold, key, texts)
    path = _path(study, key, reference, _file(threshold, texts))
    stored: Attributions | None = cache.stored(path, study.attributions_stamp)
    return stored or result_attributions.attributions(study, reference, threshold, key, texts)


def reliance_curve(study: Started, reference: str, key: str) -> list[RelianceRow]:
    """As `attributions.reliance_curve`, kept."""
    path = _path(study, key, reference, "curve")
    document = cache.kept(
        path,
        study.attributions_stamp,
        lambda: {"rows": result_attributions.reliance_curve(study, reference, key)},
    )
    return document["rows"]


def first_curve(study: Started) -> list[RelianceRow]:
    """The curve of the attributions that come first; nothing where none read."""
    try:
        keys, setups = available(study), references(study)
        return reliance_curve(study, setups[0], next(iter(keys))) if keys and setups else []
    except InputError:  # the page Tokens says what is wrong
        return []


def _file(threshold: float, texts: Texts) -> str:
    return f"{threshold:g}" + ("" if texts == "all" else f"-{texts}")


def _path(study: Started, key: str, reference: str, what: str) -> Path:
    return study.folder / "attributed" / f"{key}-{reference}-{what}.json"
