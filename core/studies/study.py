"""Studies as they are asked for: a TOML file with its defaults and its checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core.checkpoints.studies import started, started_folder
from core.config import Recipe
from core.corpora import find, paper_corpora
from core.errors import InputError
from core.mitigation.setups import parse
from core.sampling import joint
from core.storage import places, reading

SHIPPED = places.CORE / "studies" / "shipped"
LONGEST_NAME = 100  # bytes, as part of the names of files, which have 255
# What the fields that are words can be, the default first.
CHOICES = {"balanced": ("uniform", "independent"), "test": ("uniform", "as found")}
SPLITS = ("train", "validation", "test")
# A cell is negative long before, but where a design has next to no skew.
STRONGEST = 1000


@dataclass(frozen=True)
class Study:
    """What is asked. Sizes of None become the largest that fits every design of the study.

    Attributes:
        name: of the study's folder.
        corpus: preset name, `name@source` of core.corpora.paper_corpora, or path (in a file:
            relative to it).
        setups: as `core.mitigation.setups.parse` reads them; what corrects a model, beside the
            setup that trains it.
        encoder: name, folder or hub id.
        design: of the imbalanced setups: uniform, linear, natural, independent, or language ->
            label -> share.
        balanced: what the balanced setups are trained on: uniform, or independent, the product of
            the marginals of `design`: for a natural corpus its balanced counterpart, which keeps
            most of its rows.
        test: the test set, one for all runs: uniform, or as found, in the corpus's own shares, its
            rows weighted to the joint distribution of `balanced`.
        groups: two lists of languages for the design linear; shares rise over the labels in the
            first and fall in the second.
        seeds: each setup is trained once a seed.
        nulls: with a single seed, further runs of `balanced` (and of `balanced+entropy`) with the
            seeds after it. One chooses the token groups in which two others are compared; what
            balanced runs differ by takes three of them, so two nulls.
        train_per_language, validation_per_language, test_per_language: rows; where languages differ
            in size, the mean.
        train_rows, validation_rows, test_rows: rows in all, in place of those.
        labels, languages: which, and their order; by default the corpus's.
        columns: our column name -> the file's.
        external: a corpus for the external probe, named like `corpus`; it needs no labels.
        external_columns: our column name -> the external corpus's.
        training: the recipe.
        strength: how much of the skew of `design` the imbalanced setups have: (1 - strength) x the
            balanced design + strength x the skewed one; above 1 more than it.
    """

    name: str
    corpus: str
    setups: tuple[str, ...]
    encoder: str = "multilingual-e5-small"
    design: str | Mapping[str, Mapping[str, float]] = "linear"
    groups: joint.Groups | None = None
    seeds: tuple[int, ...] = (0,)
    nulls: int = 1
    train_per_language: int | None = None
    validation_per_language: int | None = None
    test_per_language: int | None = None
    labels: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    external: str = ""
    external_columns: Mapping[str, str] = field(default_factory=dict)
    training: Recipe = field(default_factory=Recipe)
    balanced: str = "uniform"
    test: str = "uniform"
    train_rows: int | None = None
    validation_rows: int | None = None
    test_rows: int | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not all(c.isalnum() or c in "-_." for c in self.name) or self.name[:1] in ("", ".", "-"):
            raise InputError(
                f"study name is {self.name!r}; use letters, digits, '-', '_' and '.' only, first "
                "a letter or digit."
            )
        if len(self.name.encode()) > LONGEST_NAME:
            raise InputError(
                f"study name has {len(self.name.encode())} bytes ({self.name[:20]}…); use at most "
                f"{LONGEST_NAME}."
            )
        for setup in self.setups:
            try:
                trained = parse(setup).trained
            except InputError as error:
                raise InputError(f"study {self.name}: {error}") from error
            if trained not in self.setups:
                raise InputError(
                    f"study {self.name}: {setup} corrects the model of {trained}, which is not "
                    f"among its setups ({', '.join(self.setups)}). Add it."
                )
        for name in ("setups", "seeds"):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values):
                raise InputError(
                    f"study {self.name}: {name} is {list(values)}; expected one or more, each once."
                )
        if bad := [s for s in self.seeds if type(s) is not int or not 0 <= s < 2**31]:
            raise InputError(
                f"study {self.name}: seeds has {bad}; expected whole numbers from 0 to 2147483647."
            )
        if type(self.nulls) is not int or not 0 <= self.nulls <= 100:
            raise InputError(
                f"study {self.name}: nulls is {self.nulls!r}; expected a whole number, 0 to 100."
            )
        if type(self.strength) is int:
            object.__setattr__(self, "strength", float(self.strength))
        if type(self.strength) is not float or not 0 <= self.strength <= STRONGEST:
            raise InputError(
                f"study {self.name}: strength is {self.strength!r}; expected a number from 0 to "
                f"{STRONGEST}, 1 for the design as it is."
            )
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise InputError(
                    f"study {self.name}: {name} is {getattr(self, name)!r}; expected "
                    f"{' or '.join(map(repr, known))}."
                )
        for split in SPLITS:
            both = [f"{split}_per_language", f"{split}_rows"]
            if None not in (sizes := [getattr(self, name) for name in both]):
                raise InputError(
                    f"study {self.name}: {both[0]} is {sizes[0]} and {both[1]} is {sizes[1]}; give "
                    "one of them: rows a language, or rows in all."
                )
        for name in (f"{split}_{unit}" for unit in ("per_language", "rows") for split in SPLITS):
            size = getattr(self, name)
            if size is not None and (type(size) is not int or size < 1):
                raise InputError(
                    f"study {self.name}: {name} is {size!r}; expected a whole number from 1 on, or "
                    "none for the largest that fits."
                )


def read(source: str) -> Study:
    """Read a study by the name of a shipped or started one, or by the path of a TOML file.

    Raises:
        InputError: no such study, not TOML, an unknown key or a wrong value.
    """
    path = file_of(source)
    if path is None:
        raise InputError(
            f"study {source!r:.120} is neither a TOML file nor known; shipped are "
            f"{', '.join(shipped())}, started are "
            f"{', '.join(started()) or 'none'}."
        )
    document = reading.toml(path, "write it as docs/studies.md says", "is not TOML")
    with reading.reading(path, "write what docs/studies.md says"):
        return from_document(document, path)


def file_of(source: str) -> Path | None:
    """The file of a study by name or path; None where there is none."""
    try:
        path = Path(source).expanduser()
        if path.suffix == ".toml":
            return path if path.is_file() else None
        candidates = [SHIPPED / f"{source}.toml", started_folder(source) / "study.toml"]
        return next((c for c in candidates if c.is_file()), None)
    except (OSError, RuntimeError, ValueError):  # too long, ~nobody, a NUL in it
        return None


def to_document(study: Study) -> dict[str, Any]:
    """A study as TOML and JSON have it, without defaults; `from_document` reads it."""
    document = {k: v for k, v in asdict(study).items() if v not in (None, {}, (), "")}
    document = {k: v for k, v in document.items() if v != CHOICES.get(k, (None,))[0]}
    if study.strength == 1:
        del document["strength"]
    document["groups"] = [list(g) for g in study.groups or ()]
    document["training"] = {
        k: v for k, v in asdict(study.training).items() if v != getattr(Recipe(), k)
    }
    document = {k: list(v) if isinstance(v, tuple) else v for k, v in document.items()}
    return {k: v for k, v in document.items() if v not in ([], {})}


def from_document(document: dict[str, Any], path: Path) -> Study:
    """A study from what its file holds.

    Args:
        path: of the file; paths in it are relative to its folder.

    Raises:
        InputError: an unknown key or a wrong value.
    """
    known = [f.name for f in fields(Study)]
    document = {k: v for k, v in document.items() if k != "runs"}  # what `record` adds
    if "grid" in document:
        raise InputError(
            f"{path} has [grid], so it stands for several studies. Start it from the command line, "
            "`python -m core study NAME` or FILE.toml; each of its studies is then shown by name."
        )
    if unknown := sorted(set(document) - set(known)):
        raise InputError(f"{path}: unknown key {', '.join(unknown)}; known are {', '.join(known)}.")
    document.setdefault("name", path.stem)
    if missing := [k for k in ("corpus", "setups") if k not in document]:
        raise InputError(
            f"{path}: {', '.join(missing)} missing; only corpus and setups are needed."
        )
    lists = {
        "setups": str,
        "seeds": int,
        "labels": str,
        "languages": str,
    }
    for name, kind in lists.items():
        if name in document:
            value = document[name]
            if not isinstance(value, list) or not all(type(v) is kind for v in value):
                raise InputError(
                    f"{path}: {name} is {value!r}; expected a list of {kind.__name__}."
                )
            document[name] = tuple(value)
    for name in ("name", "corpus", "encoder", "external"):
        if not isinstance(document.get(name, ""), str):
            raise InputError(f"{path}: {name} is {document[name]!r}; expected a string.")
    if "groups" in document:
        groups = document["groups"]
        if not isinstance(groups, list) or [type(g) for g in groups] != [list, list]:
            raise InputError(f"{path}: groups is {groups!r}; expected two lists of languages.")
        document["groups"] = (tuple(groups[0]), tuple(groups[1]))
    for name in ("columns", "external_columns"):
        if not isinstance(document.get(name, {}), dict):
            raise InputError(f'{path}: [{name}] must be a table, our name = "theirs".')
    training = document.get("training", {})
    known = [f.name for f in fields(Recipe)]
    if not isinstance(training, dict) or set(training) - set(known):
        raise InputError(f"{path}: [training] is {training!r}; known keys are {', '.join(known)}.")
    document["training"] = Recipe(**training)
    for name in ("corpus", "external"):
        if paper_corpora.parse(document.get(name, "")):
            document[name] = paper_corpora.beside(document[name], path.parent)
        elif document.get(name) and not find.is_named(document[name]):
            document[name] = _beside(path, document[name])
    if "encoder" in document and Path(_beside(path, document["encoder"])).is_dir():
        document["encoder"] = _beside(path, document["encoder"])
    return Study(**document)


def _beside(path: Path, name: str) -> str:
    """A path as the study's file means it: relative to that file."""
    try:
        found = (path.parent / Path(name).expanduser()).resolve()
        found.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, ~nobody, a NUL in it
        raise InputError(f"{path}: {name[:60]!r} cannot be the name of a file: {error}") from error
    return str(found)


def shipped() -> list[str]:
    """Names of the studies that come with LangSkew."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))
