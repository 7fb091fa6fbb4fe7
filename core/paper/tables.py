"""The paper's tables beside a study's: values, direction and size.

Labels stand beside each other by their place, languages by the group of the design: the first group
is the one in which the last label is over-represented in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from core.corpora.splits import SPLITS
from core.measures.accuracy import wilson
from core.paper import published as paper
from core.paper.measured import Measured, done
from core.paper.verdicts import (
    MARGINS,
    SHOWN,
    VERDICTS,
    Row,
    changes,
    direction,
    frame_of,
    levels,
    plain_direction,
    size,
)
from core.results.schema import StudyResults


def defaults(document: StudyResults) -> tuple[str, str]:
    """The published corpus and encoder that a study is most like."""
    pairs = len(document["labels"]) == 3 and set(document["languages"]) <= {"en", "fr"}
    corpus = "xnli" if pairs or is_like(document, "xnli") else "amazon"
    encoder = "XLM-R" if "xlm-r" in document["encoder"].lower() else "mBERT"
    return corpus, encoder


def is_like(document: StudyResults, corpus: str) -> bool:
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


def places(document: StudyResults, corpus: str) -> list[tuple[int, int]]:
    """Places of labels that stand beside each other, published and ours.

    All of the published task, else the first and the last.
    """
    n, ours = len(paper.LABELS[corpus]), len(document["labels"])
    like = is_like(document, corpus)
    return [(i, i) for i in range(n)] if like else [(0, 0), (n - 1, ours - 1)]


def training_shares(document: StudyResults, corpus: str) -> pd.DataFrame:
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


def predicted_shares(
    document: StudyResults, corpus: str, encoder: str, found: Measured
) -> pd.DataFrame | None:
    """Table 2: per cent of the test set predicted as each label, imbalanced; None for XLM-R.

    The published interval is Wilson's, from the rows of a group's languages, taken as independent.
    Ours is over sentences, whose translations are one, and over seeds where there are three. The
    direction is that of one group against the other.
    """
    if encoder != "mBERT":
        return None
    like, rows = is_like(document, corpus), []
    each = len(paper.GROUPS[corpus][0]) / sum(map(len, paper.GROUPS[corpus]))
    n_published = round(paper.ROWS[corpus]["test"] * each)
    for side, group in enumerate(paper.GROUPS[corpus]):
        for theirs, own in places(document, corpus):
            published = paper.PREDICTED[corpus][side][theirs]
            low, high = (100 * x for x in wilson(published / 100, n_published))
            row = _label_row(document, corpus, side, group, theirs, own)
            row |= {"published": published, "published from": low, "published to": high}
            label = document["labels"][own]
            if ours := found.predicted.get((side, label)):
                row |= ours.times(100).row()
                first, second = (x[theirs] for x in paper.PREDICTED[corpus])
                apart = found.apart[label]
                row["direction"] = direction(first - second, apart.low, apart.high, apart.seeds)
                if like:
                    row["size"] = size(published, (low, high), ours.times(100), MARGINS["share"])
            rows.append(row)
    columns = ["languages", "label", *SHOWN[:3], "our languages", "our label", *SHOWN[3:]]
    return frame_of(rows, [*columns, "direction", "size"])


def accuracies(document: StudyResults, corpus: str, encoder: str, found: Measured) -> pd.DataFrame:
    """Tables 3 and 6: accuracy by setup, then what setups differ by."""
    published = dict(zip(paper.SETUPS, paper.ACCURACY[encoder, corpus], strict=True))
    like, n, margin = is_like(document, corpus), paper.ROWS[corpus]["test"], MARGINS["accuracy"]
    rows = levels(published, n, found.levels.get("accuracy", {}), margin, like=like)
    rows += changes(published, n, found.changes.get("accuracy", {}), margin, like=like)
    return frame_of(rows, ["setup", *SHOWN, *VERDICTS])


def probes(document: StudyResults, corpus: str, encoder: str, found: Measured) -> pd.DataFrame:
    """Tables 4 and 7: language identification by the released probe, then what setups differ by.

    The published n is that of the test set, and 1,000 Wikipedia articles a language. Ours has one
    value a run: an interval over seeds, and none below three.
    """
    like, rows = is_like(document, corpus), []
    languages = sum(map(len, paper.GROUPS[corpus]))
    for texts, table, n in (
        ("original", paper.ORIGINAL, paper.ROWS[corpus]["test"]),
        ("external", paper.WIKIPEDIA, paper.WIKIPEDIA_PER_LANGUAGE * languages),
    ):
        published = dict(zip(paper.SETUPS, table[encoder, corpus], strict=True))
        part = levels(published, n, found.levels.get(texts, {}), MARGINS["probe"], like=like)
        part += changes(published, n, found.changes.get(texts, {}), MARGINS["probe"], like=like)
        for row in part:
            row["texts"] = "test set" if texts == "original" else "Wikipedia"
            for contrary in paper.CONTRARY:
                place = (contrary.encoder, contrary.corpus, contrary.texts)
                name = " − ".join(contrary.change)
                if place == (encoder, corpus, texts) and row["setup"] == name:
                    row["note"] = contrary.says
        rows += part
    return frame_of(rows, ["texts", "setup", *SHOWN, *VERDICTS])


def data_points(document: StudyResults, corpus: str) -> pd.DataFrame:
    """Table 5: rows of each split, and ours as a share of the published."""
    runs = done(document)
    rows = []
    sizes = [(r["n_train"], r["n_validation"], r["n_test"]) for r in runs[:1]]
    ours = dict(zip(SPLITS, sizes[0], strict=True)) if sizes else {}
    for split, published in paper.ROWS[corpus].items():
        row: Row = {"split": split, "published": published}
        if ours:
            row |= {"ours": ours[split], "share": ours[split] / published}
        rows.append(row)
    frame = pd.DataFrame(rows, columns=["split", "published", "ours", "share"])
    return frame.astype({"ours": "Int64", "share": float})


def _label_row(
    document: StudyResults, corpus: str, side: int, group: Sequence[str], theirs: int, own: int
) -> Row:
    ours = " ".join(document["groups"][side]) if document["groups"] else ""
    return {
        "languages": " ".join(group),
        "label": paper.LABELS[corpus][theirs],
        "our languages": ours,
        "our label": document["labels"][own],
    }


def _group_shares(
    document: StudyResults, shares: Mapping[str, Mapping[str, float]]
) -> list[list[float]] | None:
    """Mean share of each label over the languages of each group; None without a skewed design."""
    if len(document["groups"]) != 2 or not all(document["groups"]):
        return None
    return [
        [sum(shares[x][label] for x in group) / len(group) for label in document["labels"]]
        for group in document["groups"]
    ]
