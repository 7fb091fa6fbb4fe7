"""Single sentences in words: who says what of them, and what their tokens add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from core.charts import sentences as charts
from core.corpora import languages
from core.figures.figure import Figure
from core.results import sentences
from core.results.names import short_names
from core.results.schema import Run, TypedTokens
from core.results.sentences import Cell, Examples, Row
from core.text import escaped, signed

OTHER = "other"


def language(name: str | None) -> str:
    """A language as a box shows it, with its English name."""
    if name is None:
        return OTHER
    code = languages.canonical(name)
    known = languages.display(code) if code else name
    return name if known.lower() == name.lower() else f"{name} ({known})"


def headings(rows: Sequence[Row], *, named: bool = False) -> list[str]:
    """What rows are called: their language, with the number of the box where two have the same.

    Args:
        named: with the languages' names.
    """
    now = [row.sentence.language for row in rows if not row.before]
    found = []
    for row in rows:
        own = row.sentence.language
        name = language(own) if named else own or OTHER
        if now.count(own) > 1 or own is None:
            name = f"text {row.box}, {name}"
        found.append(f"{name}, before" if row.before else name)
    return found


def cell_name(heading: str, run: str) -> str:
    """A cell as a chooser and a panel call it."""
    return f"{heading} by {run}"


def disagreements(
    rows: Sequence[Row], names: Sequence[str], runs: Mapping[str, str], labels: Sequence[str]
) -> list[str]:
    """For each run that predicts different classes of translations, a sentence; Markdown.

    Args:
        names: headings of the rows.
        runs: their names by id.
        labels: the classes.
    """
    called = {row.name: name for row, name in zip(rows, names, strict=True)}
    # An edited text is no translation of the others any more.
    same = "" if any(row.before for row in rows) else " of the same content"
    said = []
    for run, name in runs.items():
        parts = [
            f"**{escaped(labels[c])}** in {escaped(', '.join(called[row.name] for row in of))}"
            for c, of in sentences.apart(rows, run).items()
        ]
        if parts:
            listed = f"{', '.join(parts[:-1])} and {parts[-1]}"
            said.append(f"{charts.DIFFERS} *{escaped(name)}* says {listed}{same}.")
    return said


def answer(rows: Sequence[Row], runs: Sequence[Run], labels: Sequence[str]) -> str:
    """What the language changes, by the skewed model where there is one; Markdown, or empty.

    Args:
        labels: the classes.
    """
    skewed = [run for run in runs if run["setup"] == "imbalanced"] or list(runs)
    names = short_names(runs)
    asked = {run["run"]: names[run["run"]] for run in skewed}
    if told := disagreements(rows, headings(rows), asked, labels):
        return told[0]
    shown = [row for row in rows if not row.before]
    for run, name in asked.items():
        said = {row.cells[run].predicted for row in shown if run in row.cells}
        if len(shown) > 1 and len(said) == 1 and all(run in row.cells for row in shown):
            return f"*{escaped(name)}* says **{escaped(labels[said.pop()])}** in all languages."
    return ""


def agreement(rows: Sequence[Row], runs: Mapping[str, str]) -> str:
    """Which of the runs say the same of all translations, and how to read that; Markdown.

    Empty of a single text.
    """
    shown = [row for row in rows if not row.before]
    asked = [run for run in runs if sum(run in row.cells for row in shown) > 1]
    if not asked:
        return ""
    same = [runs[run] for run in asked if not sentences.apart(rows, run)]
    if len(same) == len(asked):
        return "All models say the same in all languages."
    text = f"The same in all languages: *{escaped('; '.join(same))}*. " if same else ""
    return (
        f"{text}Where a balanced model says different things too, the encoder or the translation "
        "does that, not the skew."
    )


def edits(
    rows: Sequence[Row], names: Sequence[str], runs: Mapping[str, str], labels: Sequence[str]
) -> list[str]:
    """For each earlier text that stands beside what is in its box now, what the edit changed."""
    now = {row.box: row for row in rows if not row.before}
    said = []
    for row, name in zip(rows, names, strict=True):
        after = now.get(row.box)
        if not row.before or after is None:
            continue
        both = [run for run in runs if run in row.cells and run in after.cells]
        parts = [
            f"*{escaped(runs[run])}* {_cell(row.cells[run], labels)} → "
            f"{_cell(after.cells[run], labels)}"
            for run in both
            if row.cells[run].predicted != after.cells[run].predicted
        ]
        if parts:
            said.append(f"The edit of {escaped(name)}: {'; '.join(parts)}.")
        elif both:
            most = max(
                sentences.distance(row.cells[run].output, after.cells[run].output) for run in both
            )
            said.append(
                f"The edit of {escaped(name)} changes no predicted class; it moves probabilities "
                f"by at most {most:.2f} (total variation)."
            )
    return said


def _cell(cell: Cell, labels: Sequence[str]) -> str:
    return f"**{escaped(labels[cell.predicted])}** ({cell.output[cell.predicted]:.2f})"


def notes(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """What a reader should know of how the texts were read; plain text."""
    said = []
    for row, name in zip(rows, names, strict=True):
        cells = list(row.cells.values())
        if unknown := max((cell.unknown for cell in cells), default=0):
            said.append(
                f"{name}: {unknown} of its tokens are not in the vocabulary, which is cut to the "
                "study's corpus; the models cannot read them."
            )
        if any(cell.cut for cell in cells):
            said.append(f"{name}: it is longer than what a model reads; its end is cut off.")
        if told := sorted({cell.told for cell in cells if cell.told}):
            said.append(f"{name}: read as {', '.join(told)} by a model that is told the language.")
    return said


def sources(rows: Sequence[Row]) -> str:
    """Where the numbers are from, and how many there are."""
    cells = [cell for row in rows for cell in row.cells.values()]
    kept = sum(cell.stored for cell in cells)
    text = f"n = {len(rows)} text{'s' if len(rows) != 1 else ''}, {len(cells)} predictions"
    if not cells:
        return f"{text}."
    if kept == len(cells):
        text += ", all stored: these are texts of the test set, and no model is asked"
    elif kept:
        text += f", {kept} of them stored for the test set, the others asked of the models here"
    else:
        text += ", asked of the saved models here"
    return (
        f"{text}. Each is of one model and one text, an example and no measure. Bold: the class "
        "predicted and its probability; open a cell for the others."
    )


def chosen_by(examples: Examples, runs: Sequence[Run]) -> str:
    """By what examples were chosen; plain text."""
    names = short_names(runs)
    if examples.by == "language":
        return (
            f"Examples: of {examples.n:,} translated test sentences those of which "
            f"{names[examples.run]} says the most different things in two languages (total "
            "variation); picked for that, not typical."
        )
    if examples.by == "run":
        return (
            f"Examples: of the {examples.n:,} test texts on which {names[examples.other]} and "
            f"{names[examples.run]} disagree those of which they say the most different things "
            "(total variation); picked for that, not typical."
        )
    return "Examples: the first texts of the test set."


def adds_up(tokens: TypedTokens, cell: Cell, c: int, label: str) -> str:
    """That base value and tokens add up to the output, with the numbers; Markdown.

    Args:
        c: number of the class.
    """
    moved = sum(own[c] for own in tokens["values"])
    return (
        f"base value {tokens['base'][c]:.3f} {'+' if moved >= 0 else '−'} tokens "
        f"{abs(moved):.3f} = **{signed(tokens['base'][c] + moved, 3)}**, the probability of "
        f"{escaped(label)}"
        + (
            ""
            if _close(tokens, cell, c, moved)
            else f" to the method's error (predicted {cell.output[c]:.3f})"
        )
    )


def _close(tokens: TypedTokens, cell: Cell, c: int, moved: float) -> bool:
    return abs(tokens["base"][c] + moved - cell.output[c]) < 5e-4


def tokens(
    frames: Sequence[pd.DataFrame], names: Sequence[str], label: str, by: str, name: str
) -> Figure:
    """A bar a token of one or two cells, side by side.

    Args:
        frames: from `sentences.frame`.
        names: of the cells.
        label: the class.
        by: what a bar is, in words: words or subwords.
        name: as Figure's.
    """
    reach = strongest(frames) * 1.05 or 1.0
    errors = pd.concat([frame["standard error"].astype(float) for frame in frames]).dropna()
    spread = f" Standard error of a value: {errors.mean():.2g}." if len(errors) else ""
    counts = " and ".join(str(len(frame)) for frame in frames)
    return Figure(
        name,
        f"What each of the {by} does to {label}",
        [charts.bars(f, n, reach) for f, n in zip(frames, names, strict=True)],
        f"n = {counts} {by}; to the right towards the class, to the left away from it; "
        f"full colour in the text at {strongest(frames):.2g}. A token's number is its place."
        f"{spread}",
        "A SHAP value is how much a token moves the probability of the class, on average over all "
        "sets of the other tokens that may be masked. Values and the base value, the output for "
        "the all-mask input, add up to the prediction. One sentence is an example; the page Tokens "
        "has what holds over many, and what two balanced models differ by. (Paper, section 2.3, "
        "equation 1.)",
        columns=2,
    )


def strongest(frames: Sequence[pd.DataFrame]) -> float:
    """The largest value of any of the tokens, of whichever sign."""
    return max((float(frame["value"].abs().max()) for frame in frames if len(frame)), default=0.0)
