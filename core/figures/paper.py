"""Figures and tables of the paper beside a study's."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.charts import paper as charts
from core.figures import tokens as token_figures
from core.figures.figure import Figure, Table
from core.measures.intervals import FEWEST_SEEDS
from core.paper import directions as paper_directions
from core.paper import published as paper
from core.paper import tables as paper_tables
from core.paper import verdicts as paper_verdicts
from core.paper.measured import Measured
from core.paper.verdicts import MARGINS
from core.results import token_tables
from core.results.schema import Attributions, StudyResults

_OVERLAP = (
    "Published intervals are sampling intervals (95 %) from Table 5's n, rows taken as "
    "independent; the paper prints none, and they leave out its one seed."
)
_VERDICTS = (
    "From three seeds on: the direction agrees where our interval lies on the paper's side of 0 "
    "and disagrees on the other; else these seeds cannot tell. Sizes, compared only where the task "
    "is the paper's, agree where ours differs from the published one by less than {margin} (our "
    "choice) with both intervals and the published seed counted in, and disagree where that "
    "difference is apart from 0."
)
_HOW = (
    "Left the values, right what setups differ by. {verdicts} A published difference is taken as "
    "one of two independent test sets, which makes its interval too wide rather than too narrow. "
    "(Paper, {where}.)"
)


def tables(
    document: StudyResults, corpus: str, encoder: str, found: Measured
) -> list[Figure | Table]:
    """Tables 1 to 7, those that are of the chosen encoder, with figures of 3 and 4, 6 and 7."""
    name, of = document["study"], f"{corpus}, {encoder}"
    accuracy_of, probe_of = paper.ACCURACY_TABLE[encoder], paper.PROBE_TABLE[encoder]
    entropy = f" Ours: the setups with {paper.SUFFIX[encoder]}." if paper.SUFFIX[encoder] else ""
    accuracies = paper_tables.accuracies(document, corpus, encoder, found)
    probes = paper_tables.probes(document, corpus, encoder, found)
    shares = paper_tables.training_shares(document, corpus)
    made: list[Figure | Table] = [
        Table(
            f"{name}-paper-table-1",
            f"Table 1: label shares in training and validation, imbalanced ({corpus}, per cent)",
            shares,
            dict.fromkeys(("published", "ours"), "%.2f"),
            caption="Exactly 1/15 to 5/15 and 1/6 to 3/6; the paper prints 6.6 for 6.67. "
            "Direction: more or less than an even share.",
        ),
    ]
    predicted = paper_tables.predicted_shares(document, corpus, encoder, found)
    if predicted is not None:
        made.append(
            _table(
                f"{name}-paper-table-2",
                f"Table 2: shares predicted on the test set, imbalanced ({of}, per cent)",
                predicted,
                1,
                f"{_OVERLAP} Ours: over test sentences, whose translations are one"
                f"{', and over seeds' if _several(predicted) else ''}. Direction: one group "
                f"against the other. {_verdicts('share', ' per cent')}",
            )
        )
    made += [
        _beside(
            document,
            accuracies,
            f"accuracy-{corpus}-{encoder}",
            f"Accuracy on the test set, the paper and this study ({of})",
            "accuracy (share right)",
            f"section 4.1, Table {accuracy_of}",
            "Ours: over test sentences{and_seeds}",
            "accuracy",
        ),
        _table(
            f"{name}-paper-table-{accuracy_of}",
            f"Table {accuracy_of}: accuracy on the test set ({of})",
            accuracies,
            3,
            f"{_OVERLAP}{entropy}",
        ),
    ]
    made += [
        _beside(
            document,
            part,
            f"probe-{str(texts).split()[0].lower()}-{corpus}-{encoder}",
            f"Language identification, {texts}, the paper and this study ({of})",
            "language told right (share)",
            f"section 4.2, Table {probe_of}; the probe of the released code",
            "Ours: one value a training, so {no_seeds}",
            "probe",
        )
        for texts, part in probes.groupby("texts", sort=False)
    ]
    made.append(
        _table(
            f"{name}-paper-table-{probe_of}",
            f"Table {probe_of}: language identification, released probe ({of})",
            probes,
            3,
            f"Chance: 1/{sum(map(len, paper.GROUPS[corpus]))} there. Published n: the test set, "
            f"and {paper.WIKIPEDIA_PER_LANGUAGE:,} Wikipedia articles a language.{entropy}",
        )
    )
    made.append(
        Table(
            f"{name}-paper-table-5",
            f"Table 5: data points ({corpus})",
            paper_tables.data_points(document, corpus),
            {"share": "%.4f"},
            caption="Printed in thousands. Share: ours of the published.",
        )
    )
    return made


def _table(name: str, title: str, frame: pd.DataFrame, digits: int, caption: str) -> Table:
    made, shown = paper_verdicts.written(frame, digits)
    # Notes are too long for a column that is to be read.
    shown = [column for column in shown if column != "note"]
    return Table(name, title, made, shown=shown, caption=f"{caption}{_notes(frame)}")


def _notes(frame: pd.DataFrame) -> str:
    """The notes of a table's rows, as sentences."""
    if "note" not in frame:
        return ""
    texts = frame["texts"] + ", " if "texts" in frame else ""
    rows: dict[str, list[str]] = {}
    for row, note in zip(texts + frame["setup"], frame["note"], strict=True):
        if isinstance(note, str) and note:
            rows.setdefault(note, []).append(row)
    return "".join(f" {'; '.join(of)}: {note}." for note, of in rows.items())


def _beside(
    document: StudyResults,
    frame: pd.DataFrame,
    name: str,
    title: str,
    axis: str,
    where: str,
    covers: str,
    measure: str,
) -> Figure:
    there = frame["ours"].notna().any()
    n = int(frame["n"].max()) if there else 0
    caption = f"{_OVERLAP} "
    if there:
        several = _several(frame)
        caption += covers.format(
            and_seeds=" and over seeds" if several else "",
            no_seeds="over seeds" if several else "no interval below three seeds",
        )
        caption += f"; n = {n:,}."
    else:
        caption += "This study has no such value."
    return Figure(
        f"{document['study']}-paper-{name}",
        title,
        charts.beside(frame, axis),
        caption,
        _HOW.format(where=where, verdicts=_verdicts(measure)),
        legend=charts.legend(ours=bool(there)),
        columns=2,
    )


def _verdicts(measure: str, unit: str = "") -> str:
    return _VERDICTS.format(margin=f"{MARGINS[measure]:g}{unit}")


def _several(frame: pd.DataFrame) -> bool:
    """Whether intervals are over seeds."""
    return bool(frame["seeds"].max() >= FEWEST_SEEDS) if frame["seeds"].notna().any() else False


def panels(
    study: StudyResults, document: Attributions, figure: int, *, crossed: bool
) -> list[Figure]:
    """The panels of figures 1 to 3, over seeds or of the first; none where nothing is cross-fitted.

    Args:
        document: from `attributions.attributions`, read against the balanced setup of the figure.
        figure: 1, 2 or 3.
        crossed: cross-fitted, else as in the paper.
    """
    made = []
    for setup, label in paper_directions.panels_of(document, figure):
        seed = token_tables.seeds_of(document, setup)[0]
        if not crossed or token_tables.can_cross(document, setup):
            made.append(
                token_figures.cumulative(study, document, label, setup, seed, crossed=crossed)
            )
    return made


def directions(name: str, document: Attributions, corpus: str, figure: int) -> list[Table]:
    """What figure 1 or 2 says, beside ours, a setup a table; none where nothing is said by part."""
    setups = dict.fromkeys(setup for setup, _ in paper_directions.panels_of(document, figure))
    made = [_directions(name, document, corpus, figure, setup) for setup in setups]
    return [table for table in made if len(table.frame)]


def _directions(name: str, document: Attributions, corpus: str, figure: int, setup: str) -> Table:
    frame = paper_directions.directions(document, corpus, figure, setup)
    made, shown = paper_verdicts.written(frame)
    return Table(
        f"{name}-paper-figure-{figure}-{setup}",
        f"What figure {figure} says ({corpus}), and what is here: {setup} − "
        f"{document['reference']}",
        made,
        shown=shown,
        caption="The paper prints no values of its figures. Ours: mean over the languages in which "
        "the label is over- or under-represented in training, in units of probability, 95 % "
        "intervals. Verdicts are of the cross-fitted numbers, from three seeds on: agrees where "
        "the interval lies on the paper's side of 0, disagrees on the other. Close to 0, and no "
        f"clear separation: within {paper_directions.CLOSE:g} (our choice: the threshold of one "
        "token). All tokens, and less than neutral: over seeds, on these texts.",
    )


def thresholds(name: str, documents: Mapping[float, Attributions]) -> Table:
    """Appendix A.4: shares of the token groups at three thresholds."""
    return Table(
        f"{name}-paper-thresholds",
        "Appendix A.4: share of tokens in each group, by threshold (per cent)",
        paper_directions.thresholds(documents),
        {"threshold": "%g", **dict.fromkeys(paper_directions.SHARES, "%.1f")},
        caption="Of the balanced model, mean over classes and seeds.",
    )
