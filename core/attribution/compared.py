"""Which attributions a study has, and which of its runs are read against which."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from core import checkpoints, study
from core.attribution import store
from core.config import BALANCED, IMPORTED
from core.errors import InputError

NULL = "balanced (null)"


def available(name: str) -> dict[str, int]:
    """Methods and budgets by which runs of a study have attributions, with the number of texts.

    The largest number first; of each, that of the run that has the most.
    """
    found: dict[str, int] = {}
    for run in study.run_ids(name):
        for key, texts in store.kept(run).items():
            found[key] = max(texts, found.get(key, 0))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def compared(entries: Sequence[dict[str, Any]], reference: str) -> list[dict[str, Any]]:
    """Pairs of runs: `run`, `setup` and `seed` of the other, `reference` and `null` run ids.

    The null of a seed is the reference setup's run of the next seed that has one, in a circle; it
    stands in the list itself, for each seed that an imbalanced setup has.

    Raises:
        InputError: no run of the reference setup.
    """
    of_reference = {e["seed"]: e["run"] for e in entries if e["setup"] == reference}
    if not of_reference:
        raise InputError(
            f"no run of the setup {reference} has attributions; those that have are "
            f"{', '.join(sorted({e['setup'] for e in entries})) or 'none'}."
        )
    seeds = sorted(of_reference)
    others = [e for e in entries if e["setup"] != reference]
    pairs = []
    trained = [e for e in others if e["setup"] != IMPORTED]
    skewed = {e["seed"] for e in trained if e["setup"] not in BALANCED}
    used = skewed & set(seeds) or {e["seed"] for e in trained} & set(seeds) or {seeds[0]}
    for i, seed in enumerate(seeds):
        if seed not in used:
            continue
        null = of_reference[seeds[(i + 1) % len(seeds)]] if len(seeds) > 1 else None
        common = {"seed": seed, "reference": of_reference[seed], "null": null}
        pairs += [
            {"run": e["run"], "setup": e["setup"], **common}
            for e in others
            if e["seed"] == seed or (e["setup"] == IMPORTED and seed == min(used))
        ]
        if null is not None:
            setup = NULL if reference == "balanced" else f"{reference} (null)"
            pairs.append({"run": null, "setup": setup, **common})
    return pairs


def fingerprint(name: str) -> str:
    """Changes whenever the attributions of a study may have changed; cheap, for caches."""
    paths = [study.started_folder(name) / "study.toml"]
    for run in study.run_ids(name):
        paths += sorted((checkpoints.folder(run) / "attributions").glob("*/*.parquet"))
    times = []
    for path in paths:
        with suppress(FileNotFoundError):  # deleted since it was listed
            times.append(f"{path.name} {path.stat().st_mtime_ns}")
    return " ".join(times)


def references(name: str) -> list[str]:
    """Setups that others can be read against: those with attributions, balanced ones first."""
    setups = {e["setup"] for e in study.entries(name) if store.kept(e["run"])}
    return sorted(setups, key=lambda s: (not s.startswith("balanced"), s))
