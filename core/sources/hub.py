"""Data sets in the hub's layouts, through the library `datasets`: from the hub or a local folder.

A source is a hub id, or a folder with the same files: parquet, JSON or Arrow, one configuration a
language (`fr/train-00000-of-00001.parquet`, named in README.md or by the folder alone), or what
`save_to_disk` wrote. Where `{language}` stands in it, each language is a data set of its own.
`datasets` is imported on first use: it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from core.errors import InputError
from core.sources import confined
from core.storage import memory
from core.storage.download import hub_answers

Splits = dict[str, pa.Table]


def is_local(source: str) -> bool:
    """Whether a source is a folder, or a pattern of folders, on this machine."""
    path = Path(source.partition("{language}")[0]).expanduser()
    return path.is_dir() or ("{language}" in source and path.parent.is_dir() and path.is_absolute())


def languages(source: str) -> list[str] | None:
    """The languages that a local source has as configurations or folders of their own.

    None where they are not told apart so: a single configuration, or a hub id (which is not asked).
    """
    if not is_local(source) or "{language}" in source:
        return None
    found = [_language(name) for name in _configurations(source)]
    return sorted(found) if found else None


def read(source: str, language: str) -> tuple[Splits, bool]:
    """One language of a data set: its splits by name, and whether they are of that language alone.

    Where the source has no configuration for languages, all of its rows come back.

    Raises:
        InputError: no such source, the hub does not answer, or it does not read.
    """
    where, configuration, alone = _place(source, language)
    datasets = _library()
    # The library's cache takes two folders of one name for one, and a changed file for the old.
    with TemporaryDirectory() if is_local(source) else nullcontext() as cache:
        found = _load(source, where, configuration, cache_dir=cache)
        if isinstance(found, datasets.Dataset):
            found = {"train": found}
        return {name: _table(split) for name, split in found.items()}, alone


def sample(source: str, language: str, rows: int, seed: int) -> pa.Table:
    """Rows of one language's only split, streamed: no more is downloaded than is drawn from.

    The order of the files and of 10,000 rows at a time is random by the seed (`datasets`'
    approximate shuffling).

    Raises:
        InputError: no such source or language, or the hub does not answer.
    """
    where, configuration, alone = _place(source, language)
    if not alone:
        raise InputError(
            f"{source} has no configuration or folder for {language}; expected one a language."
        )
    found = _load(source, where, configuration, streaming=True)
    split = next(iter(found.values()))
    # After a stream that is not read to its end the library rests five seconds for its threads,
    # which read ahead over the network.
    rest = {"SLEEP_TIME_ON_THREADS_SHUTDOWN": 0} if is_local(source) else {}
    try:
        with _settings(**rest):
            drawn = list(split.shuffle(seed=seed, buffer_size=10_000).take(rows))
    except Exception as error:  # of whichever library reads the files, over whichever network
        raise _refused(where, configuration, error) from error
    return pa.Table.from_pylist(drawn)


def _place(source: str, language: str) -> tuple[str, str | None, bool]:
    """Data set, its configuration, and whether that is of one language."""
    if "{language}" in source:
        confined.check_language(source, language)
        return source.replace("{language}", language), None, True
    if not is_local(source):
        return source, language, True
    folder = Path(source).expanduser()
    known = _configurations(source)
    for name, path in known.items():
        if _language(name) == language:
            return (str(folder), name, True) if path is None else (str(path), None, True)
    if known:
        raise InputError(f"{source} has no language {language}; it has: {', '.join(known)}.")
    return str(folder), None, False


def _configurations(source: str) -> dict[str, Path | None]:
    """Configurations that README.md names, else sub-folders that are data sets of their own."""
    folder = Path(source).expanduser()
    confined.check_card(folder)
    if (folder / "README.md").exists():
        datasets = _library()
        try:
            named = [c for c in datasets.get_dataset_config_names(str(folder)) if c != "default"]
        except Exception as error:  # YAML of anybody's
            raise _refused(source, None, error) from error
        if named:
            return dict.fromkeys(named)
    if is_saved(folder):
        return {}
    splits = ("train", "validation", "valid", "val", "dev", "test", "data", "json")
    return {p.name: p for p in sorted(folder.iterdir()) if p.is_dir() and p.name not in splits}


def _language(configuration: str) -> str:
    """Of `fr`, or of Wikipedia's `20231101.fr`."""
    return configuration.rpartition(".")[2]


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote it."""
    return (folder / "dataset_dict.json").exists() or (folder / "state.json").exists()


def _load(
    source: str,
    where: str,
    configuration: str | None,
    cache_dir: str | None = None,
    streaming: bool = False,
) -> Any:
    """The splits of a data set by name, or a single one, of its own files alone."""
    datasets = _library()
    local = Path(where).expanduser()
    folder = None
    if local.is_dir():
        before, pattern, _ = source.partition("{language}")
        folder = local if pattern else Path(source).expanduser()
        confined.check_folder(local, Path(before + "_").expanduser().parent if pattern else folder)
        confined.check_card(local)
        if is_saved(local):
            confined.check_saved(local, folder)
            for file in local.rglob("*.arrow"):
                memory.check(file)
            found = datasets.load_from_disk(str(local), keep_in_memory=True)
            return _streamed(found) if streaming else found
    elif local.is_absolute() or where.startswith((".", "~")):
        raise InputError(f"{where} is no folder; name one, or a data set of the hub.")
    try:
        # Only the cache where the hub is silent: its client would try for half a minute.
        silent = folder is None and not hub_answers()
        with _settings(**{"HF_HUB_OFFLINE": True} if silent else {}):
            place = str(local.resolve()) if folder else where
            builder = datasets.load_dataset_builder(place, configuration, cache_dir=cache_dir)
            confined.check_files(builder, where, folder)
            if streaming:
                return builder.as_streaming_dataset()
            for names in (builder.config.data_files or {}).values() if folder else ():
                for name in names:
                    memory.check(Path(str(name)))
            builder.download_and_prepare()
            return builder.as_dataset(in_memory=folder is not None)
    except InputError:
        raise
    except Exception as error:  # it raises whatever the file formats' libraries do
        raise _refused(where, configuration, error) from error


def _streamed(found: Any) -> dict[str, Any]:
    splits = found if isinstance(found, dict) else {"train": found}
    return {name: split.to_iterable_dataset() for name, split in splits.items()}


def _refused(where: str, configuration: str | None, error: Exception) -> InputError:
    what = f"data set {where!r}" + (f", configuration {configuration!r}" if configuration else "")
    if isinstance(error, (ConnectionError, FileNotFoundError)) and not Path(where).exists():
        return InputError(
            f"{what}: the hub did not answer or has no such data set, and nothing is cached "
            f"({error}). Name a local copy in its place: a folder in the hub's layout, or a file."
        )
    return InputError(f"{what} does not read ({type(error).__name__}: {error}).")


@contextmanager
def _settings(**values: Any) -> Iterator[None]:
    """Other values of the library's settings for a while."""
    config = _library().config
    before = {name: getattr(config, name) for name in values}
    vars(config).update(values)
    try:
        yield
    finally:
        vars(config).update(before)


def _table(split: Any) -> pa.Table:
    """A split as Arrow, with the names of its classes in place of their numbers."""
    datasets = _library()
    table: pa.Table = split.with_format("arrow")[:]
    for name, feature in split.features.items():
        if isinstance(feature, datasets.ClassLabel):
            names = [feature.int2str(i) if i is not None and i >= 0 else None
                     for i in table[name].to_pylist()]  # fmt: skip
            table = table.set_column(table.column_names.index(name), name, pa.array(names))
    return table.replace_schema_metadata(None)


def _library() -> Any:
    import datasets

    datasets.disable_progress_bars()
    return datasets
