"""What is in a corpus, and how skewed it is."""

from __future__ import annotations

from functools import partial
from typing import NotRequired, TypedDict

import pandas as pd

from core.audit.expected import Expected, from_accuracy
from core.audit.verdict import Verdict, verdict
from core.corpora import mapping
from core.corpora.choices import Mapped
from core.corpora.splits import SPLITS
from core.errors import InputError
from core.mending.findings import Finding, look
from core.sampling import limits
from core.sampling.designs import design_shares, independent
from core.sampling.joint import Skew, divergence_bits, skew


class SplitAudit(TypedDict):
    """One split; its skew where it has a row."""

    rows: int
    mutual_information_bits: NotRequired[float]
    normalised_mutual_information: NotRequired[float]
    cramers_v: NotRequired[float]
    language_only_accuracy: NotRequired[float]


class Size(TypedDict):
    """How many rows a balanced training set of a design could have."""

    rows: int  # in all
    says: str  # what limits it, and what going without a language or label would win


class Audit(Skew):
    """What is in a corpus: `audit --json`. `read` is `rows` and all that is dropped."""

    corpus: str
    files: list[str]  # each with how it was read
    columns: dict[str, str]  # our name -> the source's
    read: int  # rows, and lines that are none
    rows: int  # that are kept
    dropped: dict[str, int]  # rows by reason
    dropped_by_language: dict[str, dict[str, int]]  # rows by reason and language; "" where missing
    notes: list[str]
    several: str  # why it looks as if a row had several labels; empty if it does not
    pairs: bool  # whether a row is a pair of texts
    languages: list[str]
    labels: list[str]
    joint: dict[str, dict[str, int]]  # rows by language and label
    divergence_bits: dict[str, float]  # by language: of its labels from all labels
    splits: dict[str, SplitAudit]  # those of the source; none where it has none
    sizes: dict[
        str, Size
    ]  # by design: uniform, independent; of the training split where there is one
    findings: list[Finding]  # what is wrong, each with the step that mends it
    verdict: Verdict
    fingerprint: str  # the same for the same rows in any order; 16 hexadecimal digits


def audit(corpus: Mapped) -> Audit:
    """What is in a corpus and how skewed it is, over all splits and in each.

    Args:
        corpus: from `core.corpora.find.mapped`; its rows are asked by SQL and never all in memory.

    Raises:
        duckdb.Error: a file does not read (see `core.storage.reading`).
    """
    joint = table(corpus)
    divergences = divergence_bits(joint)
    splits: dict[str, SplitAudit] = {}
    for split in SPLITS if corpus.has_splits else ():
        counts = table(corpus, split)
        rows = int(counts.to_numpy().sum())
        splits[split] = {"rows": rows, **skew(counts)} if rows else {"rows": rows}
    looked = look(corpus)
    dropped = mapping.by_reason(corpus.dropped)
    return {
        "corpus": corpus.source.name,
        "files": [f"{part.path}: {part.read_as}" for part in corpus.source.parts],
        "columns": {ours: found.column for ours, found in corpus.columns.items()},
        "read": corpus.rows + sum(dropped.values()),
        "rows": corpus.rows,
        "dropped": dropped,
        "dropped_by_language": {
            str(reason): of.fillna("").groupby("language")["n"].sum().to_dict()
            for reason, of in corpus.dropped.groupby("reason", sort=False)
        },
        "notes": list(corpus.notes),
        "several": corpus.several,
        "pairs": corpus.is_pair_task,
        "languages": list(corpus.languages),
        "labels": list(corpus.labels),
        "joint": joint.to_dict("index"),
        **skew(joint),
        "divergence_bits": {k: v for k, v in divergences.items() if v == v},
        "splits": splits,
        "sizes": _sizes(table(corpus, "train") if corpus.has_splits else joint),
        "findings": looked.findings,
        "verdict": verdict(joint),
        "fingerprint": looked.fingerprint,
    }


def _sizes(counts: pd.DataFrame) -> dict[str, Size]:
    if min(counts.shape) < 2 or not counts.to_numpy().sum():
        return {}

    def made(design: str, languages: list[str], labels: list[str]) -> list[pd.DataFrame]:
        natural = counts.loc[languages, labels]
        return [design_shares(design, languages, labels, natural=natural)]

    found: dict[str, Size] = {}
    for design in ("uniform", "independent"):
        of = partial(made, design)
        try:
            steps = limits.limiting(of(list(counts.index), list(counts)), counts, of)
        except InputError:  # a language or label has no row at all
            continue
        found[design] = {"rows": steps[0].total, "says": limits.said(steps)}
    return found


def cost(document: Audit, accuracy: float) -> Expected | None:
    """What the skew of a corpus is expected to do to a model; None without evidence of skew.

    Args:
        accuracy: that the model would have without it, 0 to 1, on the product of the marginals.

    Raises:
        InputError: it is below the share of the commonest label, or not below 1.
    """
    if document["verdict"]["kind"] not in ("skewed", "measurable but small"):
        return None
    counts = pd.DataFrame(document["joint"]).T.loc[document["languages"], document["labels"]]
    return from_accuracy(accuracy, counts, independent(counts), document["rows"])


def table(corpus: Mapped, split: str | None = None) -> pd.DataFrame:
    """Rows by language (down) and label (across), zeros included; of all splits by default."""
    cells = corpus.cells if split is None else corpus.cells[corpus.cells["split"] == split]
    found = cells.pivot_table(index="language", columns="label", values="n", aggfunc="sum")
    found = found.reindex(index=list(corpus.languages), columns=list(corpus.labels))
    return found.fillna(0).astype(int)
