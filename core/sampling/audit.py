"""What is in a corpus, and how skewed it is."""

from __future__ import annotations

from typing import NotRequired, TypedDict

import pandas as pd

from core.corpora.corpus import Corpus
from core.sampling.joint import Skew, count, divergence_bits, skew


class SplitAudit(TypedDict):
    """One split; its skew where it has a row."""

    rows: int
    mutual_information_bits: NotRequired[float]
    normalised_mutual_information: NotRequired[float]
    cramers_v: NotRequired[float]
    language_only_accuracy: NotRequired[float]


class Audit(Skew):
    """What is in a corpus: `audit --json`."""

    corpus: str
    rows: int
    dropped: dict[str, int]  # rows by reason
    notes: list[str]
    pairs: bool  # whether a row is a pair of texts
    languages: list[str]
    labels: list[str]
    joint: dict[str, dict[str, int]]  # rows by language and label
    divergence_bits: dict[str, float]  # by language: of its labels from all labels
    splits: dict[str, SplitAudit]
    content_hash: str


def audit(corpus: Corpus) -> Audit:
    """What is in a corpus and how skewed it is, over all splits and in each."""
    everything = pd.concat([corpus.rows(s) for s in ("train", "validation", "test")])
    joint = count(everything, corpus.languages, corpus.labels)
    divergences = divergence_bits(joint)
    splits: dict[str, SplitAudit] = {}
    for split in ("train", "validation", "test"):
        counts = count(corpus.rows(split), corpus.languages, corpus.labels)
        rows = int(counts.to_numpy().sum())
        splits[split] = {"rows": rows, **skew(counts)} if rows else {"rows": rows}
    return {
        "corpus": corpus.name,
        "rows": corpus.table.num_rows,
        "dropped": dict(corpus.dropped),
        "notes": list(corpus.notes),
        "pairs": corpus.is_pair_task,
        "languages": list(corpus.languages),
        "labels": list(corpus.labels),
        "joint": joint.to_dict("index"),
        **skew(joint),
        "divergence_bits": {k: v for k, v in divergences.items() if v == v},
        "splits": splits,
        "content_hash": corpus.content_hash,
    }
