"""Sentences of the page on the latent space, from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from core.results.names import language_order, run_name
from core.results.projection import Projection
from core.results.schema import RunResults, StudyResults
from core.results.selection import Selection
from core.text import escaped, percent

SUBJECT = (
    "The CLS vector is all that the head sees of a text. Where the languages stand apart among the "
    "vectors, the model can predict by language. The map shows where texts lie; the probes measure "
    "how well the language is read off."
)
MAP_HOW = (
    "Each mark is one text of the test set. UMAP keeps nearest neighbours near; how far clusters "
    "are apart, how large and how dense they are means little. An outline holds the half of a kind "
    "of texts that lies densest: outlines that lie upon each other share their neighbourhoods, "
    "outlines apart do not. What stands on the map is how languages lie; the number beside it, "
    "measured among the vectors themselves, is how far it holds. (The vectors of the paper's "
    "Tables 4 and 7.)"
)
OUTLINES_HOW = (
    "An outline holds the half of a kind of texts that lies densest in a panel. The layout is "
    "aligned: a text has about the same place in all panels, but another seed moves it too, so "
    "read moves against the null. Before fine-tuning is the encoder as pretrained."
)
MAP_DRAG = (
    "Drag a rectangle on the map to list its texts, click a mark for its nearest neighbours, or "
    "search and choose below; all of it stays in the link."
)


def no_map(name: str) -> str:
    """What to do where there is no map of the runs shown."""
    return (
        f"There is no map of these runs yet; it takes a few minutes, here or by `python -m core "
        f"project {name}`. The probes are here all the same."
    )


def outdated_note(name: str, missing: int) -> str:
    """What to do where the map is older than some runs."""
    return (
        f"{missing} finished run{'s are' if missing > 1 else ' is'} not on the map; "
        f"`python -m core project {name}` makes it anew."
    )


def number(document: StudyResults, run: RunResults | None) -> str:
    """What the 15-NN probe finds in a panel, for its title; empty where it was not probed."""
    found = _probed(document, run)
    return f"15-NN {found[0]:.2f}, chance {found[1]:.2f}" if found else ""


def _probed(document: StudyResults, run: RunResults | None) -> tuple[float, float, int] | None:
    """Accuracy, chance and n of the 15-NN probe on the test set."""
    if run is not None:
        probe = run["probe"].get("original")
        return (probe["knn"], probe["chance"], probe["n"]) if probe else None
    for other in document["runs"]:
        probe = other["probe"].get("original") if other["state"] == "done" else None
        if probe and probe["before_fine_tuning_knn"] is not None:
            return probe["before_fine_tuning_knn"], probe["chance"], probe["n"]
    return None


def panel_reading(
    document: StudyResults, projection: Projection, panel: str, run: RunResults | None
) -> str:
    """What is measured of the panel beside which it stands; Markdown."""
    lines = []
    if found := _probed(document, run):
        knn, chance, n = found
        lines.append(
            f"The 15-NN probe tells the language of **{percent(knn)}** of the texts (chance "
            f"{percent(chance)}, n = {n:,} texts{_spread(document, run)})."
        )
    if same := projection.same.get(panel):
        lines.append(
            f"**{percent(same.mean)}** [{100 * same.low:.1f}, {100 * same.high:.1f}] of the 15 "
            f"nearest neighbours are in the text's own language; {percent(same.chance)} would be, "
            "if languages mixed. (95 % interval over test sentences.)"
        )
    return "\n".join(f"- {line}" for line in lines)


def _spread(document: StudyResults, run: RunResults | None) -> str:
    """What the runs of one setup span; a balanced run and its nulls are of one."""
    if run is None:
        return ""
    alike = [
        other["probe"]["original"]["knn"]
        for other in document["runs"]
        if other["state"] == "done"
        and other["setup"] == run["setup"]
        and "original" in other["probe"]
    ]
    if len(alike) < 2:
        return "; one seed"
    return f"; the {len(alike)} {run['setup']} runs {percent(min(alike))} to {percent(max(alike))}"


def large_caption(projection: Projection, panel: str) -> str:
    """n, which texts are placed, and how much of the layout can be trusted."""
    n, fitted = len(projection.texts), int(projection.texts["fitted"].sum())
    how = (
        "all laid out by UMAP"
        if fitted == n
        else f"{fitted:,} laid out by UMAP, {n - fitted:,} placed at their nearest of these"
    )
    return (
        f"n = {n:,} texts, {how}; axes have no unit. Trustworthiness "
        f"{projection.trustworthiness[panel]:.3f}. Outlines hold the densest half of a kind. "
        "Translations of a sentence may lie together; the numbers leave them out."
    )


def map_caption(
    document: StudyResults, panels: Mapping[str, RunResults | None], projection: Projection
) -> str:
    """n, what is not shown, settings, and how much of the layout can be trusted."""
    texts = len(projection.texts)
    trust = [projection.trustworthiness[panel] for panel in panels]
    s = projection.settings
    sentences = [f"n = {texts:,} texts in each of {len(panels)} panels."]
    if projection.no_before:
        sentences.append(f"No panel before fine-tuning: {projection.no_before}.")
    sentences.append(
        f"{s['method']}: n_neighbors {s['n_neighbors']}, min_dist {s['min_dist']}, metric "
        f"{s['metric']}, alignment {s['alignment']}, random_state {s['random_state']}; axes have "
        f"no unit. Trustworthiness {min(trust):.3f} to {max(trust):.3f}."
    )
    runs = [run for run in panels.values() if run is not None]
    return " ".join([*sentences, *_apart(runs, projection)])


def _apart(shown: Sequence[RunResults], projection: Projection) -> list[str]:
    """How far the places of one text are apart, the null first."""
    first = next((run for run in shown if run["setup"] == "balanced"), None)
    others = [run for run in shown if run is not first]
    if first is None or not others:
        return []
    others.sort(key=lambda run: run["setup"] != "balanced")
    apart = "; ".join(
        f"{run_name(run)}: {projection.apart(first['run'], run['run']):.2f}" for run in others
    )
    return [
        f"How far a text's place is from its place in {run_name(first)}, as a share of the "
        f"layout's size: {apart}."
    ]


def counted(chosen: int, texts: int, selection: Selection) -> str:
    """How many texts stand out and why, for a line beside the map; Markdown."""
    if selection.is_empty:
        return f"**{texts:,} texts.** {MAP_DRAG}"
    why = []
    if selection.languages:
        why.append(f"in {', '.join(map(escaped, selection.languages))}")
    if selection.containing:
        why.append(f"containing “{escaped(selection.containing)}”")
    if selection.area:
        why.append("in the rectangle")
    return f"**{chosen:,} of {texts:,} texts** stand out: {', '.join(why)}."


def selection_reading(
    document: StudyResults,
    runs: Sequence[RunResults],
    chosen: pd.DataFrame,
    predicted: Mapping[str, pd.DataFrame],
) -> str:
    """What the selected texts are: n, languages, labels, and how many each run gets right."""
    languages, labels = (
        ", ".join(f"{escaped(x)} {n}" for x in order if (n := int((chosen[column] == x).sum())))
        for column, order in (
            ("language", language_order(document)),
            ("label", document["labels"]),
        )
    )
    right = ", ".join(
        f"{run_name(run)} "
        f"{percent((predicted[run['run']]['correct'].loc[chosen.index] == 'right').mean())}"
        for run in runs
    )
    return (
        f"**{len(chosen):,} texts**: {languages}; {labels}. Predicted right: {right}. "
        "In the table, p(label) is the probability that a run gives to the text's own label."
    )


def neighbours_reading(near: pd.DataFrame, text: pd.Series, chance: float) -> str:
    """Which languages the neighbours of a text speak; Markdown."""
    counts = near["language"].value_counts()
    said = ", ".join(f"{escaped(x)} {n}" for x, n in counts.items())
    own = int((near["language"] == text["language"]).sum())
    return (
        f"**{own} of {len(near)}** nearest neighbours are in its own language, "
        f"{escaped(text['language'])}; {chance * len(near):.1f} would be by chance. All: {said}."
    )


NEAR_CAPTION = (
    "Nearest by Euclidean distance among the CLS vectors of this panel, not on the map; texts of "
    "the same sentence (its translations) are left out, as in the 15-NN probe."
)
WITHOUT_NEIGHBOURS = (
    "This map was made by an older version, which kept no neighbours and fewer texts; make it anew "
    "to see all of them."
)
