"""One test text wherever it is met: its translations, what all runs predict, where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from core.checkpoints import outputs, run_folders
from core.corpora.texts import of_rows
from core.errors import InputError
from core.results.names import short_names
from core.results.schema import RunResults
from core.storage import reading


class Reading(NamedTuple):
    """A test text with all that runs say of it.

    Attributes:
        row, sentence, language, label: of the text.
        texts: it and its translations: `language`, `label`, `row`, `text` and, of pairs, `text_b`
            (none where the corpus does not read), in the order of the languages.
        predicted: a run a row: `run` (its name), then a language a column with the class predicted
            and its probability, such as `negative 0.83`.
        changes: names of runs that predict different classes for the translations.
    """

    row: str
    sentence: str
    language: str
    label: str
    texts: pd.DataFrame
    predicted: pd.DataFrame
    changes: list[str]


def read(runs: Sequence[RunResults], row: str, file: Path | None) -> Reading:
    """A test text, its translations, and what runs predict of them.

    Args:
        runs: finished ones of one study.
        file: from `texts.texts_file`; without it there are no texts.

    Raises:
        InputError: no such text in the test set, or predictions do not read.
    """
    frames = {run["run"]: _of_sentence(run["run"], row) for run in runs}
    first = next(iter(frames.values()), pd.DataFrame())
    if first.empty:
        raise InputError(
            f"text {row!r:.80} is not in the test set of this study's runs. Choose one of the "
            "page's lists."
        )
    languages = run_folders.read_config(runs[0]["run"]).languages
    order = {language: i for i, language in enumerate(languages)}
    texts = first[["language", "label", "row", "sentence"]]
    texts = texts.sort_values("language", key=lambda x: x.map(order), ignore_index=True)
    own = texts[texts["row"] == row].iloc[0]
    names = short_names(runs)
    predicted, changes = [], []
    for run, found in frames.items():
        said = found.set_index("row").reindex(texts["row"])
        cells = {
            language: f"{word} {p:.2f}"
            for language, word, p in zip(
                texts["language"], said["predicted"], said["p"], strict=True
            )
            if isinstance(word, str)
        }
        predicted.append({"run": names[run], **cells})
        if said["predicted"].nunique() > 1:
            changes.append(names[run])
    return Reading(
        row,
        str(own["sentence"]),
        str(own["language"]),
        str(own["label"]),
        of_rows(file, texts) if file else texts,
        pd.DataFrame(predicted),
        changes,
    )


def _of_sentence(run: str, row: str) -> pd.DataFrame:
    """`row`, `sentence`, `language`, `label`, `predicted` (first of a tie), `p` of a sentence."""
    path = run_folders.folder(run) / "predictions.parquet"
    labels = run_folders.read_config(run).labels
    found = reading.query(
        "SELECT * FROM read_parquet(?) WHERE sentence IN "
        "(SELECT sentence FROM read_parquet(?) WHERE row = ?)",
        [str(path), str(path), row],
        [path],
        run_folders.MEND,
    )
    with reading.reading(path, run_folders.MEND):
        values = found[[outputs.probability_column(label) for label in labels]].to_numpy(float)
    if not len(found):
        return found
    return found[["row", "sentence", "language", "label"]].assign(
        predicted=[labels[i] for i in values.argmax(axis=1)], p=values.max(axis=1)
    )
