"""Which attributions a study has, and which of its runs are read against which."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from core.attribution import store
from core.checkpoints import run_folders, studies
from core.config import IMPORTED
from core.errors import InputError


def available(name: str) -> dict[str, int]:
    """Methods and budgets by which runs of a study have attributions, with the number of texts.

    The largest number first; of each, that of the run that has the most.
    """
    found: dict[str, int] = {}
    for run in studies.run_ids(name):
        for key, texts in store.kept(run).items():
            found[key] = max(texts, found.get(key, 0))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def compared(entries: Sequence[dict[str, Any]], reference: str) -> list[dict[str, Any]]:
    """Pairs of runs of one seed: `run`, `setup`, `seed`, `reference` and `choosers` (run ids).

    The choosers are the reference setup's runs of all other seeds, by which token groups are chosen
    where differences are cross-fitted. A model from elsewhere, which has no seed of the study's, is
    read against the first.

    Raises:
        InputError: no run of the reference setup.
    """
    of_reference = {e["seed"]: e["run"] for e in entries if e["setup"] == reference}
    if not of_reference:
        raise InputError(
            f"no run of the setup {reference} has attributions; those that have are "
            f"{', '.join(sorted({e['setup'] for e in entries})) or 'none'}."
        )
    pairs = []
    for entry in entries:
        seed = min(of_reference) if entry["setup"] == IMPORTED else entry["seed"]
        if entry["setup"] == reference or seed not in of_reference:
            continue
        pairs.append(
            {
                "run": entry["run"],
                "setup": entry["setup"],
                "seed": seed,
                "reference": of_reference[seed],
                "choosers": [of_reference[r] for r in sorted(of_reference) if r != seed],
            }
        )
    return sorted(pairs, key=lambda pair: int(pair["seed"]))


def fingerprint(name: str) -> str:
    """Changes whenever the attributions of a study may have changed; cheap, for caches."""
    paths = [studies.started_folder(name) / "study.toml"]
    for run in studies.run_ids(name):
        paths += sorted((run_folders.folder(run) / "attributions").glob("*/*.parquet"))
    times = []
    for path in paths:
        with suppress(FileNotFoundError):  # deleted since it was listed
            times.append(f"{path.name} {path.stat().st_mtime_ns}")
    return " ".join(times)


def references(name: str) -> list[str]:
    """Setups that others can be read against: those with attributions, balanced ones first."""
    setups = {e["setup"] for e in studies.entries(name) if store.kept(e["run"])}
    return sorted(setups, key=lambda s: (not s.startswith("balanced"), s))
