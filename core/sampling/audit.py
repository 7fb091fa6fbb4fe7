"""What is in a corpus, and how skewed it is."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.corpora.corpus import Corpus
from core.sampling.joint import count, divergence_bits, skew


def audit(corpus: Corpus) -> dict[str, Any]:
    """What is in a corpus and how skewed it is, over all splits and in each."""
    everything = pd.concat([corpus.rows(s) for s in ("train", "validation", "test")])
    joint = count(everything, corpus.languages, corpus.labels)
    divergences = divergence_bits(joint)
    splits = {}
    for split in ("train", "validation", "test"):
        counts = count(corpus.rows(split), corpus.languages, corpus.labels)
        rows = int(counts.to_numpy().sum())
        splits[split] = {"rows": rows, **(skew(counts) if rows else {})}
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
