"""What two runs, or two setups, were made with: only where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from core.checkpoints import run_folders
from core.config import RunConfig
from core.sampling import joint


def differing(a: Sequence[str], b: Sequence[str]) -> pd.DataFrame:
    """The settings in which some runs differ from others: `setting`, `first`, `second` (texts).

    Args:
        a: run ids; where they differ among themselves all their values are listed.
        b: the others.

    Raises:
        InputError: a config does not read.
    """
    sides = [[flat(run_folders.read_config(run_id)) for run_id in runs] for runs in (a, b)]
    names = dict.fromkeys(name for side in sides for settings in side for name in settings)
    rows = []
    for name in names:
        values = [
            ", ".join(dict.fromkeys(str(settings.get(name, "–")) for settings in side))
            for side in sides
        ]
        if values[0] != values[1]:
            rows.append({"setting": name, "first": values[0], "second": values[1]})
    return pd.DataFrame(rows, columns=["setting", "first", "second"])


def flat(config: RunConfig) -> dict[str, object]:
    """A config as one level of settings, the design in words."""
    settings = asdict(config)
    settings["shares"] = _in_words(config.shares_table())
    if config.test_shares:
        settings["test_shares"] = _in_words(config.test_table())
    if (target := config.target_table()) is not None:
        settings["test_target"] = _in_words(target)
    training = settings.pop("training")
    found = {k: ", ".join(v) if isinstance(v, tuple) else v for k, v in settings.items()}
    found |= {f"training: {k}": v for k, v in training.items()}
    return {k: "–" if v in ("", {}, ()) else v for k, v in found.items()}


def _in_words(shares: pd.DataFrame) -> str:
    v = joint.cramers_v(shares)
    if v > 1e-6:  # a rare language's shares are rounded
        return f"skewed, Cramér's V {v:.3f}"
    return "language and label independent"
