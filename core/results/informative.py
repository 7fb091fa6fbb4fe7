"""How much attribution falls on words that carry no label, where a corpus knows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from core.attribution import store
from core.checkpoints.studies import Started
from core.corpora.corpus import Corpus
from core.measures.bootstrap import interval
from core.measures.cumulative import Value
from core.results.schema import UninformativeShare


def uninformative_share(run_id: str, key: str, corpus: Corpus) -> Value | None:
    """Share of the summed absolute values, over classes, of tokens that carry no label.

    A token is informative if it overlaps one of the text's informative spans.

    Args:
        key: method and budget.
        corpus: with the column `informative` (`synthetic`).

    Returns:
        The share with its 95 % interval over sentences; None without attributions, or where the
        corpus does not know its informative words.

    Raises:
        InputError: a file of the run does not read.
    """
    table = store.table(run_id, key)
    if not _has_spans(corpus.table.schema) or not table.num_rows:
        return None
    known = {
        row["row"]: (row["text"], [(s["start"], s["end"]) for s in row["informative"]])
        for row in corpus.table.select(["row", "text", "informative"]).to_pylist()
    }
    sums, sentences = [], []
    for row in table.select(["row", "sentence", "tokens", "values"]).to_pylist():
        size = np.abs(row["values"])
        text, spans = known[row["row"]]
        informative = informative_tokens(text, row["tokens"], spans)
        sums.append([size[~informative].sum(), size.sum()])
        sentences.append(row["sentence"])
    values, ids = np.array(sums), np.array(sentences)

    def share(totals: np.ndarray) -> np.ndarray:
        found: np.ndarray = totals[:, 0] / totals[:, 1]
        return found

    low, high = interval(values, ids, share)
    return Value(float(share(values.sum(axis=0, keepdims=True))[0]), float(low), float(high))


def _has_spans(schema: pa.Schema) -> bool:
    """Whether a corpus knows its informative words; a user's column may have that name too."""
    if "informative" not in schema.names:
        return False
    kind = schema.field("informative").type
    spans = pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)
    return spans and {"start", "end"} <= {field.name for field in kind.value_type}


def of_study(study: Started, key: str, corpus: Corpus) -> list[UninformativeShare]:
    """`uninformative_share` of each run of a study that has one."""
    rows: list[UninformativeShare] = []
    for m in study.members:
        if (found := uninformative_share(m.run, key, corpus)) is not None:
            ci = [found.low, found.high]
            rows.append(
                {"run": m.run, "setup": m.setup, "seed": m.seed, "share": found.value, "ci": ci}
            )
    return rows


def informative_tokens(
    text: str, tokens: Sequence[str], spans: Sequence[tuple[int, int]]
) -> np.ndarray:
    """Which tokens overlap a span; tokens are pieces of the text in their order."""
    found, at = [], 0
    for token in tokens:
        piece = token.strip()
        start = text.find(piece, at) if piece else at
        start = at if start < 0 else start
        at = start + len(piece)
        found.append(any(start < end and begin < at for begin, end in spans))
    return np.array(found, dtype=bool)
