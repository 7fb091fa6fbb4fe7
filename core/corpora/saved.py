"""Corpora that were saved by name, with all that was done to them: `checkpoints/corpora/<name>/`.

`corpus.parquet` has the rows with their split, `corpus.toml` where they come from, what was decided
and what was mended. A study names such a corpus like a preset, on this machine or another that has
the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
import tomli_w

from core.corpora.choices import Choices
from core.errors import InputError
from core.sources.source import Options
from core.storage import atomic, places, reading

LONGEST_NAME = 60  # characters
_MEND = "delete the folder, and save the corpus again"


@dataclass(frozen=True)
class Saved:
    """What `corpus.toml` says of a saved corpus.

    Attributes:
        name: of its folder.
        source: name or paths that it was made from.
        options, choices: how that was read, and what was decided of it, without defaults.
        labels, languages: in their order.
        rows: how many it has.
        done: a line a step, with counts: what was left out or changed.
        made: when, ISO 8601.
    """

    name: str
    source: tuple[str, ...]
    options: dict[str, Any]
    choices: dict[str, Any]
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    rows: int
    done: tuple[str, ...]
    made: str


def folder(name: str) -> Path:
    """Where a saved corpus lies, whether it is there or not."""
    return places.checkpoints_dir() / "corpora" / name


def names() -> list[str]:
    """Of all saved corpora."""
    return sorted(path.parent.name for path in folder("").glob("*/corpus.toml"))


def is_saved(name: str) -> bool:
    """Whether a corpus was saved by that name."""
    return places.is_name(name) and places.exists(folder(name) / "corpus.toml")


def rows_file(name: str) -> Path:
    """The Parquet file of a saved corpus."""
    return folder(name) / "corpus.parquet"


def read(name: str) -> Saved:
    """What is known of a saved corpus.

    Raises:
        InputError: there is none, or its file does not read.
    """
    path = folder(name) / "corpus.toml"
    if not is_saved(name):
        raise InputError(
            f"no corpus is saved as {name!r:.80}; saved are {', '.join(names()) or 'none'}."
        )
    document = reading.toml(path, _MEND)
    kinds = get_type_hints(Saved)
    with reading.reading(path, _MEND):
        values: dict[str, Any] = {"name": name}
        for field in fields(Saved)[1:]:
            value = document[field.name]
            value = tuple(value) if isinstance(value, list) else value
            kind = kinds[field.name]
            plain = tuple if get_args(kind)[1:] == (...,) else dict if get_args(kind) else kind
            if type(value) is not plain:
                raise ValueError(f"{field.name} is {value!r:.80}")
            if plain is tuple and not all(type(part) is str for part in value):
                raise ValueError(f"{field.name} has more than texts")
            values[field.name] = value
        return Saved(**values)


def check_name(name: str, taken: Sequence[str] = ()) -> None:
    """Refuse a name that cannot be a corpus's, or is another's.

    Args:
        taken: names of corpora that are not saved ones.

    Raises:
        InputError: says why.
    """
    plain = all(c.isalnum() or c in "-_." for c in name) and name[:1] not in ("", ".", "-")
    if not plain or len(name) > LONGEST_NAME or not places.is_name(name):
        raise InputError(
            f"corpus name is {name!r:.80}; use up to {LONGEST_NAME} letters, digits, '-', '_' and "
            "'.', first a letter or digit."
        )
    if name in taken or is_saved(name):
        raise InputError(f"there is a corpus {name!r} already; choose another name.")


def save(
    name: str,
    table: pa.Table,
    labels: Sequence[str],
    languages: Sequence[str],
    *,
    source: str | Sequence[str],
    options: Options,
    choices: Choices,
    done: Sequence[str],
) -> Saved:
    """Save a corpus by name.

    Args:
        table: rows as a Corpus has them.
        done: a line a step.

    Raises:
        InputError: the name is taken, or cannot be one.
    """
    check_name(name)
    saved = Saved(
        name=name,
        source=(source,) if isinstance(source, str) else tuple(source),
        options=_without_defaults(options),
        choices=_without_defaults(choices),
        labels=tuple(labels),
        languages=tuple(languages),
        rows=table.num_rows,
        done=tuple(done),
        made=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    atomic.make_folder(folder(name))
    kept = [c for c in table.column_names if c not in ("row", "informative")]
    if table["text_b"].null_count == table.num_rows:
        kept.remove("text_b")
    with atomic.replacing(rows_file(name)) as partial:
        pq.write_table(table.select(kept), partial, compression="zstd")
    document = {k: v for k, v in asdict(saved).items() if k != "name"}
    atomic.write_text(folder(name) / "corpus.toml", tomli_w.dumps(document))  # last: it is whole
    return saved


def _without_defaults(values: Options | Choices) -> dict[str, Any]:
    default = type(values)()
    found = {f.name: getattr(values, f.name) for f in fields(values)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
        if value != getattr(default, name) and value is not None
    }
