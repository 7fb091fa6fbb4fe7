"""The paper's tables beside a study's: values, direction and size, and why they may differ.

Labels stand beside each other by their place, languages by the group of the design: the first group
is the one in which the last label is over-represented in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import pandas as pd

from core import checkpoints, paper
from core.cards import over_seeds
from core.config import RunConfig
from core.errors import InputError
from core.measures.accuracy import accuracy_totals, wilson
from core.measures.bootstrap import DRAWS, Totals
from core.measures.compare import Comparison, compare
from core.paper_verdicts import (
    CHANGES,
    SHOWN,
    VERDICTS,
    Differences,
    Document,
    changes,
    frame_of,
    levels,
    plain_direction,
    shares_over_seeds,
    size,
)


def defaults(document: Document) -> tuple[str, str]:
    """The published corpus and encoder that a study is most like."""
    pairs = len(document["labels"]) == 3 and set(document["languages"]) <= {"en", "fr"}
    corpus = "xnli" if pairs or is_like(document, "xnli") else "amazon"
    encoder = "XLM-R" if "xlm-r" in str(document["encoder"]).lower() else "mBERT"
    return corpus, encoder


def is_like(document: Document, corpus: str) -> bool:
    """Whether a study has the published corpus's labels, languages and groups.

    Only then are sizes compared; else directions alone.
    """
    return (
        tuple(document["labels"]) == paper.LABELS[corpus]
        and len(document["groups"]) == 2
        and all(
            set(ours) == set(theirs)
            for ours, theirs in zip(document["groups"], paper.GROUPS[corpus], strict=True)
        )
    )


def places(document: Document, corpus: str) -> list[tuple[int, int]]:
    """Places of labels that stand beside each other, published and ours.

    All of the published task, else the first and the last.
    """
    n, ours = len(paper.LABELS[corpus]), len(document["labels"])
    like = is_like(document, corpus)
    return [(i, i) for i in range(n)] if like else [(0, 0), (n - 1, ours - 1)]


def differences(document: Document, suffix: str) -> Differences:
    """What the setups of a study differ by, by CHANGES and measure.

    Args:
        document: from `results.summary`.
        suffix: of the setups, empty or `+entropy`.
    """
    measured: dict[str, dict[str, dict[int, Totals | float]]] = {}
    for run in done(document):
        of_setup = measured.setdefault(run["setup"], {})
        with suppress(InputError):  # the summary says what is wrong with a run
            right = accuracy_totals(checkpoints.read_predictions(run["run"]))
            of_setup.setdefault("accuracy", {})[run["seed"]] = right
        for texts, probe in run["probe"].items():
            of_setup.setdefault(texts, {})[run["seed"]] = probe["accuracy_released"]
    found: dict[tuple[str, str], dict[str, Comparison]] = {}
    for a, b in CHANGES:
        of_a, of_b = (measured.get(setup + suffix, {}) for setup in (a, b))
        found[a, b] = {
            name: compare(a, b, name, of_a[name], of_b[name], DRAWS)
            for name in of_a
            if set(of_a[name]) & set(of_b.get(name, {}))
        }
    return found


def training_shares(document: Document, corpus: str) -> pd.DataFrame:
    """Table 1: per cent of each label in a language of each group, training and validation."""
    like, rows = is_like(document, corpus), []
    ours = _group_shares(document, document["training_shares"])
    for side, group in enumerate(paper.GROUPS[corpus]):
        for theirs, own in places(document, corpus):
            published = paper.TRAINING_SHARES[corpus][side][theirs]
            even = 100 / len(paper.LABELS[corpus])
            row = _label_row(document, corpus, side, group, theirs, own) | {"published": published}
            if ours is not None:
                value = 100 * ours[side][own]
                # The paper prints two digits: 33.33 is even.
                above = round(published - even, 1)
                own_above = round(value - 100 / len(document["labels"]), 1)
                both_even = above == own_above == 0
                row["ours"] = value
                row["direction"] = "even" if both_even else plain_direction(above, own_above)
                if like:
                    row["size"] = "same" if abs(value - published) < 0.1 else "another design"
            rows.append(row)
    columns = ["languages", "label", "published", "our languages", "our label", "ours"]
    return frame_of(rows, [*columns, *VERDICTS[:2]])


def predicted_shares(document: Document, corpus: str, encoder: str) -> pd.DataFrame | None:
    """Table 2: per cent of the test set predicted as each label, imbalanced; None for XLM-R.

    The published interval and, from fewer than three seeds, ours are Wilson's, from the rows of a
    group's languages, taken as independent. The direction is that of one group against the other.
    """
    if encoder != "mBERT":
        return None
    like, rows = is_like(document, corpus), []
    runs = [r for r in done(document) if r["setup"] == "imbalanced" and "predictions_by_group" in r]
    each = len(paper.GROUPS[corpus][0]) / sum(map(len, paper.GROUPS[corpus]))
    n_published = round(paper.ROWS[corpus]["test"] * each)
    for side, group in enumerate(paper.GROUPS[corpus]):
        for theirs, own in places(document, corpus):
            published = paper.PREDICTED[corpus][side][theirs]
            low, high = (100 * x for x in wilson(published / 100, n_published))
            row = _label_row(document, corpus, side, group, theirs, own)
            row |= {"published": published, "published from": low, "published to": high}
            if runs:
                row |= _predicted(document, runs, side, own)
                other = paper.PREDICTED[corpus][1 - side][theirs]
                apart = row["ours"] - _predicted(document, runs, 1 - side, own)["ours"]
                row["direction"] = plain_direction(published - other, apart)
                row["size"] = size(row, like=like, digits=1)
            rows.append(row)
    columns = ["languages", "label", *SHOWN[:3], "our languages", "our label", *SHOWN[3:]]
    return frame_of(rows, [*columns, "direction", "size"])


def _predicted(document: Document, runs: Sequence[Document], side: int, own: int) -> Document:
    """Per cent of a group's test rows predicted as one label, mean over runs, with its interval."""
    label, group = document["labels"][own], " ".join(document["groups"][side])
    share = len(document["groups"][side]) / len(document["languages"])
    n = round(runs[0]["n_test"] * share)
    values = [run["predictions_by_group"][group][label] for run in runs]
    return _percent(shares_over_seeds(runs, values, n))


def accuracies(document: Document, corpus: str, encoder: str, found: Differences) -> pd.DataFrame:
    """Tables 3 and 6: accuracy by setup, then what setups differ by."""
    published = dict(zip(paper.SETUPS, paper.ACCURACY[encoder, corpus], strict=True))
    suffix, like = paper.SUFFIX[encoder], is_like(document, corpus)
    n = paper.ROWS[corpus]["test"]
    ours = {}
    for setup in paper.SETUPS:
        runs = [r for r in done(document) if r["setup"] == setup + suffix]
        if runs:
            one = over_seeds([r | {"null": False} for r in runs], "accuracy").iloc[0]
            ours[setup] = {"ours": one["value"], "from": one["low"], "to": one["high"]}
            ours[setup] |= {"n": runs[0]["n_test"], "seeds": len(runs)}
    rows = levels(published, n, ours, like=like)
    rows += changes(published, n, ours, found, "accuracy", like=like)
    return frame_of(rows, ["setup", *SHOWN, *VERDICTS])


def probes(document: Document, corpus: str, encoder: str, found: Differences) -> pd.DataFrame:
    """Tables 4 and 7: language identification by the released probe, then what setups differ by.

    The published n is that of the test set, and 1,000 Wikipedia articles a language.
    """
    suffix, like, rows = paper.SUFFIX[encoder], is_like(document, corpus), []
    languages = sum(map(len, paper.GROUPS[corpus]))
    for texts, table, n in (
        ("original", paper.ORIGINAL, paper.ROWS[corpus]["test"]),
        ("external", paper.WIKIPEDIA, paper.WIKIPEDIA_PER_LANGUAGE * languages),
    ):
        published = dict(zip(paper.SETUPS, table[encoder, corpus], strict=True))
        ours = {}
        for setup in paper.SETUPS:
            of_setup = [r for r in done(document) if r["setup"] == setup + suffix]
            runs = [r for r in of_setup if texts in r["probe"]]
            if runs:
                of_texts = [r["probe"][texts] for r in runs]
                values = [p["accuracy_released"] for p in of_texts]
                ours[setup] = shares_over_seeds(runs, values, of_texts[0]["n"])
        part = levels(published, n, ours, like=like)
        part += changes(published, n, ours, found, texts, like=like)
        for row in part:
            row["texts"] = "test set" if texts == "original" else "Wikipedia"
            for contrary in paper.CONTRARY:
                place = (contrary.encoder, contrary.corpus, contrary.texts)
                name = " − ".join(contrary.change)
                if place == (encoder, corpus, texts) and row["setup"] == name:
                    row["note"] = contrary.says
        rows += part
    return frame_of(rows, ["texts", "setup", *SHOWN, *VERDICTS])


def data_points(document: Document, corpus: str) -> pd.DataFrame:
    """Table 5: rows of each split, and ours as a share of the published."""
    runs = done(document)
    rows = []
    for split, published in paper.ROWS[corpus].items():
        row: Document = {"split": split, "published": published}
        if runs:
            row |= {"ours": runs[0][f"n_{split}"], "share": runs[0][f"n_{split}"] / published}
        rows.append(row)
    frame = pd.DataFrame(rows, columns=["split", "published", "ours", "share"])
    return frame.astype({"ours": "Int64", "share": float})


def done(document: Document) -> list[Document]:
    """The finished runs of a study, without its null."""
    return [run for run in document["runs"] if _is_done(run) and not run["null"]]


def configs_of(document: Document) -> list[RunConfig]:
    """Configs of the runs, as far as they read."""
    return list(checkpoints.read_configs(run["run"] for run in document["runs"]).values())


def _is_done(run: Document) -> bool:
    return bool(run["state"] == "done")


def _label_row(
    document: Document, corpus: str, side: int, group: Sequence[str], theirs: int, own: int
) -> Document:
    ours = " ".join(document["groups"][side]) if document["groups"] else ""
    return {
        "languages": " ".join(group),
        "label": paper.LABELS[corpus][theirs],
        "our languages": ours,
        "our label": document["labels"][own],
    }


def _group_shares(
    document: Document, shares: Mapping[str, Mapping[str, float]]
) -> list[list[float]] | None:
    """Mean share of each label over the languages of each group; None without a skewed design."""
    if len(document["groups"]) != 2 or not all(document["groups"]):
        return None
    return [
        [sum(shares[x][label] for x in group) / len(group) for label in document["labels"]]
        for group in document["groups"]
    ]


def _percent(row: Document) -> Document:
    return row | {key: 100 * row[key] for key in ("ours", "from", "to")}
