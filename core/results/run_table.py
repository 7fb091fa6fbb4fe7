"""All runs of all studies as one table: what each is, how it got on, what was measured of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from core.checkpoints import run_folders, studies
from core.checkpoints.studies import Member
from core.errors import InputError
from core.measures.intervals import FEWEST_SEEDS, seeds_and_sentences
from core.results.index import Snapshot
from core.results.names import setup_name

_PROBE = "language identification"
# Of the index -> what its column is called here, in the order shown.
MEASURES = {
    "accuracy": "accuracy",
    "skew uptake": "skew uptake",
    "soft uptake": "soft uptake",
    "language effect": "language effect",
    "calibration error": "calibration error",
    "base value, off uniform": "base value, off uniform",
    f"{_PROBE}, original, 15 neighbours": "probe, 15 neighbours",
    f"{_PROBE}, original, paper": "probe, paper's",
    f"{_PROBE}, original, released": "probe, released code's",
    f"{_PROBE}, external, 15 neighbours": "external probe, 15 neighbours",
    f"{_PROBE}, external, paper": "external probe, paper's",
    f"{_PROBE}, external, released": "external probe, released code's",
}
FACTS = ["study", "setup", "seed", "state", "corpus", "encoder", "training rows", "test rows"]


def of_all(index: Snapshot) -> pd.DataFrame:
    """A row a study and run, and a row for each run that no study stands for.

    States are those of now, measures those of the index.

    Columns: `key` (of the row), `run`, those of FACTS, `message`, `asked by`, `seconds`, and of
    each measure its name and `… from`, `… to` (the 95 % interval over test sentences).
    """
    listed = {row["run"]: row for row in run_folders.list_runs().to_dict("records")}
    rows = []
    for name in studies.started():
        members: list[Member] = []
        with suppress(InputError):  # the pages say which study does not read
            members = studies.listed(name)
        rows += [_row(name, m, listed) for m in members]
    known = {row["run"] for row in rows}
    for run, of in listed.items():
        if run not in known:
            named = of["setup"] == of["setup"]  # a config that does not read has none
            setup, seed = (str(of["setup"]), int(of["seed"])) if named else ("", 0)
            rows.append(_row("", Member(run, setup, seed), listed))
    columns = ["key", "run", "study", "setup", "seed", "state", "corpus", "encoder", "message"]
    frame = pd.DataFrame(rows, columns=[*columns, "asked by"])
    for column in ("corpus", "encoder"):  # of a run that was deleted, as the others of its study
        of_study = frame[frame["study"] != ""].groupby("study")[column].transform("first")
        frame[column] = frame[column].fillna(of_study).fillna("")
    trained = index.trained.rename(columns={"training": "training rows"})
    frame = frame.merge(trained, on="run", how="left")
    frame = frame.merge(_wide(index.measures), on=["study", "run"], how="left")
    numbers = [c for c in frame if c not in (*columns, "asked by") or c == "seed"]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    not_done = frame["state"] != "done"
    measured = [c for c in numbers if c not in ("seed",)]
    frame.loc[not_done, measured] = np.nan  # the index may be older
    return frame


def unmeasured(frame: pd.DataFrame) -> list[str]:
    """Keys of finished runs of studies that the index does not have yet."""
    return frame.loc[
        (frame["state"] == "done") & (frame["study"] != "") & frame["accuracy"].isna(), "key"
    ].tolist()


def filtered(
    frame: pd.DataFrame,
    text: str = "",
    of: Mapping[str, Collection[str]] | None = None,
) -> pd.DataFrame:
    """The rows in which every word of a text occurs, in any case, and columns have given values.

    Args:
        of: the values of a column; none: any.
    """
    kept = frame
    for column, values in (of or {}).items():
        if values:
            kept = kept[kept[column].isin(list(values))]
    if words := text.casefold().split():
        names = ["study", "setup", "seed", "state", "corpus", "encoder", "run", "message"]
        lines = kept[names].astype(str).agg(" ".join, axis=1).str.casefold()
        kept = kept[[all(word in line for word in words) for line in lines]]
    return kept


def against(
    frame: pd.DataFrame, baseline: Mapping[str, Any], measures: Sequence[str]
) -> pd.DataFrame:
    """The same with differences to a row of `of_all`, `Δ accuracy`, where both have a value."""
    return frame.assign(**{f"Δ {m}": frame[m] - baseline[m] for m in measures})


def by_setup(
    frame: pd.DataFrame, measures: Sequence[str], baseline: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Means over the seeds of each setup of each study, of finished runs.

    From three seeds on `from` and `to` are a 95 % t-interval over them, on the test sentences as
    they are; below that there is none. Differences to a baseline are paired by seed where it is of
    the same study, else differences of means, which have no interval.

    Args:
        frame: from `of_all`, or some of its rows.
        baseline: the rows of `of_all` that are one setup of one study.

    Returns:
        `key`, `study`, `setup`, `seeds` (how many), `corpus`, `encoder`, each measure with its
        interval and, with a baseline, `Δ accuracy` with its own.
    """
    done = frame[frame["state"] == "done"]
    groups = {f"{s}/{setup}": own for (s, setup), own in done.groupby(["study", "setup"])}
    rows = []
    for key, own in groups.items():
        first = own.iloc[0]
        row: dict[str, Any] = {"key": key, "study": first["study"], "setup": first["setup"]}
        row |= {"seeds": len(own), "corpus": first["corpus"], "encoder": first["encoder"]}
        for measure in measures:
            row |= _mean(measure, own[measure].dropna().to_numpy())
        if baseline is not None:
            for measure in measures:
                row |= _difference(measure, own, baseline)
        rows.append(row)
    columns = ["key", "study", "setup", "seeds", "corpus", "encoder"]
    return pd.DataFrame(
        rows, columns=[*columns, *(c for c in (rows or [{}])[0] if c not in columns)]
    )


def _row(study: str, member: Member, listed: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key": f"{study}/{member.run}" if study else member.run,
        "run": member.run,
        "study": study,
        "setup": setup_name(
            {"run": "", "setup": member.setup, "seed": member.seed, "null": member.null}
        ),
        "seed": member.seed,
        "state": "deleted",
        "corpus": None,
        "encoder": None,
        "message": run_folders.DELETED,
        "asked by": "",
    }
    if (now := listed.get(member.run)) is not None:
        row |= {name: now[name] for name in ("state", "corpus", "encoder", "message")}
        row["asked by"] = now["by"]
    elif not run_folders.is_deleted(member.run):  # a folder without a config
        row |= dict(run_folders.read_status(member.run))
        row |= {"state": "failed", "message": "config.json is missing"}
    return {name: row[name] for name in row if name not in ("pid", "time", "started", "by")}


def _wide(measures: pd.DataFrame) -> pd.DataFrame:
    """A row a study and run, with the columns of its measures, and `test rows`."""
    shown = measures[measures["measure"].isin(list(MEASURES))]
    wide = shown.pivot_table(
        index=["study", "run"], columns="measure", values=["value", "low", "high"]
    )
    found = pd.DataFrame(index=wide.index)
    for name, title in MEASURES.items():
        for part, column in (("value", title), ("low", f"{title} from"), ("high", f"{title} to")):
            found[column] = wide.get((part, name), np.nan)
    rows = shown[shown["measure"] == "accuracy"].set_index(["study", "run"])["n"]
    found.insert(0, "test rows", rows)
    return found.reset_index()


def _mean(name: str, values: np.ndarray) -> dict[str, float]:
    mean = float(values.mean()) if len(values) else float("nan")
    low = high = float("nan")
    if len(values) >= FEWEST_SEEDS:
        estimate = seeds_and_sentences(values[:, None], None)
        low, high = float(estimate.low[0]), float(estimate.high[0])
    return {name: mean, f"{name} from": low, f"{name} to": high}


def _difference(measure: str, own: pd.DataFrame, other: pd.DataFrame) -> dict[str, float]:
    if own["study"].iloc[0] != other["study"].iloc[0]:
        apart = own[measure].mean() - other[measure].mean()
        return _mean(f"Δ {measure}", np.array([apart]))
    pairs = own.set_index("seed")[measure] - other.set_index("seed")[measure]
    return _mean(f"Δ {measure}", pairs.dropna().to_numpy())
