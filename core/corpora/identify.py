"""The language of a text from the text itself, by `py3langid` (Lui and Baldwin 2012), offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from core.corpora.languages import canonical
from core.errors import InputError
from core.progress import Progress
from core.sources.source import Source
from core.storage import sql

COLUMN = "language (identified)"
_LEVELS = (0.5, 0.8, 0.95)  # of confidence, at which rows below are counted
_STEP = 1000  # texts between two words on progress


def identified(
    source: Source,
    text: str,
    languages: Sequence[str] | None = None,
    report: Progress | None = None,
) -> Source:
    """A source with a column of languages that are identified from its texts.

    A text alone decides: each is asked once, which takes some 0.2 ms. Texts without letters are as
    likely any language, which their confidence says.

    Args:
        text: the column of texts.
        languages: those that are possible; by default the 97 that the model knows.

    Raises:
        InputError: the model does not know one of the languages.
    """
    model = _model(languages)
    own = f"CAST({sql.name(text)} AS VARCHAR)"
    with sql.connection(source.tables) as connection:
        texts = connection.sql(
            f"SELECT {own} AS text, count(*) AS n FROM ({source.select}) "
            f"WHERE trim({own}) <> '' GROUP BY ALL ORDER BY ALL"
        ).to_arrow_table()
    found: list[tuple[str, float]] = []
    for i, one in enumerate(texts["text"].to_pylist()):
        if report and i % _STEP == 0:
            report("identifying languages", i / texts.num_rows)
        found.append(model.classify(one))
    sure, n = np.array([p for _, p in found]), texts["n"].to_numpy()
    below = ", ".join(f"{int(n[sure < level].sum()):,} below {level}" for level in _LEVELS)
    mean = float((sure * n).sum() / max(1, n.sum()))
    note = (
        f"language is identified from the text: confidence {mean:.3f} in the mean of "
        f"{int(n.sum()):,} rows; {below}"
    )
    table = pa.table(
        {"text": texts["text"], "language": pa.array([language for language, _ in found])}
    )
    return replace(
        source,
        select=(
            f"SELECT s.*, i.language AS {sql.name(COLUMN)} FROM ({source.select}) s "
            f"LEFT JOIN identified_texts i ON CAST(s.{sql.name(text)} AS VARCHAR) = i.text"
        ),
        columns={**source.columns, COLUMN: "VARCHAR"},
        tables={**source.tables, "identified_texts": table},
        notes=(*source.notes, note),
    )


def languages_of(texts: Sequence[str], languages: Sequence[str]) -> list[str]:
    """The likeliest of some languages for each text, by the names that they have there.

    Raises:
        InputError: the model does not know one of the languages.
    """
    names = {canonical(x): x for x in languages}
    model = _model(languages)
    return [names[model.classify(text)[0]] for text in texts]


def _model(languages: Sequence[str] | None) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if languages:
        if unknown := [x for x in languages if canonical(x) not in model.labels]:
            raise InputError(
                f"language {', '.join(unknown)} cannot be identified; known are "
                f"{', '.join(sorted(model.labels))}. Name these alone, or a column with languages."
            )
        model.set_languages([canonical(x) for x in languages])
    return model
