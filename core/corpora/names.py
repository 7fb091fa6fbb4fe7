"""Names of languages, labels and splits in a source, and ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from core.corpora import labels, languages, splits
from core.corpora.choices import ALL, Choices
from core.errors import InputError

MOST = 1000  # distinct labels or languages; a column with more is another

_MADE = (
    "60 % train, 20 % validation, 20 % test made here, stratified by language and label, "
    "copies and sentences on one side"
)


class Values:
    """Distinct values of the columns that have few, with their rows."""

    def __init__(self, name: str, counted: pd.DataFrame) -> None:
        self.name = name
        usable = counted[counted["gap"].isna()]
        self.labels = self._of(usable, "label")
        self.languages = self._of(usable, "language")
        self.splits = self._of(usable, "split")
        self.without_split = int(usable.loc[usable["split"].isna(), "n"].sum())

    def _of(self, counted: pd.DataFrame, column: str) -> dict[str, int]:
        sums = counted.dropna(subset=[column]).groupby(column)["n"].sum()
        if len(sums) > MOST:
            few = ", ".join(repr(str(x)[:40]) for x in sums.index[:3])
            raise InputError(
                f"corpus {self.name}: the column of {column}s has {len(sums):,} different values "
                f"({few}, …), which are too many to be {column}s; at most {MOST:,}. Name another "
                f"with --column {column}=<name>."
            )
        return {str(value): int(n) for value, n in sums.items()}


def of_languages(values: Values, choices: Choices, notes: list[str]) -> dict[str, str]:
    """The source's names of languages -> ours, those alone that differ."""
    named = list(choices.languages or ())
    if named and all(x in values.languages for x in named):
        return {}  # in the source's own spelling
    found: dict[str, str] = {}
    spelling: dict[str, str] = {}  # of what is no known language: the commonest of one folded form
    for value in sorted(values.languages, key=lambda x: (-values.languages[x], x)):
        code = languages.canonical(value)
        if value.casefold() == "nan" and not any(
            len(other) == 3 and other != value for other in values.languages
        ):
            notes.append("language 'nan' is read as missing; it is also the code of Min Nan")
            code = ""
        elif code is None and labels.is_missing(value):
            code = ""
        elif code is None:
            code = spelling.setdefault(labels.folded(value), value)
        if code != value:
            found[value] = code
    merged: dict[str, list[str]] = {}
    for value in values.languages:
        merged.setdefault(found.get(value, value), []).append(value)
    said = [f"{', '.join(of)} → {ours}" for ours, of in merged.items() if of != [ours] and ours]
    if said:
        notes.append("languages: " + "; ".join(said))
    for name in named:  # in any spelling too
        if name not in merged and (code := languages.canonical(name)) in merged:
            found[name] = str(code)
    check_named(values.name, "language", [found.get(x, x) for x in named], set(merged) - {""})
    return found


def of_labels(
    values: Values, choices: Choices, language: Mapping[str, str], notes: list[str]
) -> tuple[list[str], dict[str, str]]:
    """Labels that stand for a missing one, and the source's names of labels -> ours."""
    found = {x: y for x, y in choices.joined.items() if x != y}
    if not choices.labelled:
        return [], dict(language)
    plain = [x for x in values.labels if x != labels.SEVERAL]
    like = [x for x in plain if labels.is_missing(x) and x not in choices.joined]
    others = [x for x in plain if x not in like]
    numbers = bool(others) and all(labels.number(x) is not None for x in others)
    missing = like if numbers else []
    if like and not numbers and others:
        notes.append(
            f"label {', '.join(map(repr, like))} ({sum(values.labels[x] for x in like)} rows) "
            "looks like a missing value and is read as a label; leave it out if it is none"
        )
    for kind, given in (("joined", choices.joined), ("left out", choices.left_out)):
        if unknown := [x for x in given if x not in values.labels]:
            raise InputError(
                f"corpus {values.name}: labels {kind} are {', '.join(unknown)}; the corpus has "
                f"{', '.join(plain)}. Name these."
            )
    if choices.labels is not None:
        there = {found.get(x, x) for x in plain if x not in missing} - set(choices.left_out)
        check_named(values.name, "label", choices.labels, there)
    return missing, found


def of_splits(values: Values, choices: Choices, notes: list[str]) -> dict[str, str]:
    """The source's names of splits -> ours; `all` where it has none."""
    meant = {choices.splits.get(value) or splits.canonical(value) for value in values.splits}
    if not values.splits or set(values.splits) == {ALL}:
        notes.append(f"no split in the source: {_MADE}")
        return {}
    if meant == {"train"} and not values.without_split:
        notes.append(f"no split but train in the source: {_MADE}")
        return dict.fromkeys(values.splits, ALL)
    found, unknown = {}, []
    for value in values.splits:
        ours = choices.splits.get(value) or splits.canonical(value)
        if ours not in splits.SPLITS:
            unknown.append(value)
        elif ours != value:
            found[value] = ours
    if values.without_split:
        unknown.append("")
    if unknown:
        shown = ", ".join(map(repr, unknown[:5])) + (" …" if len(unknown) > 5 else "")
        raise InputError(
            f"corpus {values.name}: split has {shown}; expected {', '.join(splits.SPLITS)}. Say "
            f"which it is (--split {unknown[0] or 'NAME'}=test), or name another column or none "
            "(--column split=) for a split made here."
        )
    if found:
        notes.append("splits: " + "; ".join(f"{x} → {y}" for x, y in found.items()))
    return found


def check_named(name: str, kind: str, named: Sequence[str], found: set[str]) -> None:
    """Labels and languages that the user lists must occur, each once; rows of others are left out.

    Raises:
        InputError: one does not, or stands there twice.
    """
    if any(x not in found for x in named) or len(set(named)) != len(named):
        raise InputError(
            f"corpus {name}: {kind}s named are {', '.join(named)}; the corpus has "
            f"{', '.join(sorted(found))}. Name these, each once."
        )
