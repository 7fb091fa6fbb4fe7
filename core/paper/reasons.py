"""Why a study's numbers may differ from the paper's, what it lacks, and what the tables say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import pandas as pd

from core.config import Recipe, RunConfig
from core.measures.intervals import FEWEST_SEEDS
from core.paper import published as paper
from core.paper import tables as paper_tables
from core.paper.measured import Measured, done
from core.paper.tables import is_like
from core.paper.verdicts import AGREES, DISAGREES, NO_VERDICT
from core.results.schema import RunResults, StudyResults
from core.text import escaped, percent, short, signed

# Of the hidden layer of both encoders of the paper, from their configurations.
DIMENSION = 768
_FIGURES = (
    "**Figures**: section 2.3 can be read as all texts for each label, as here, or as only those "
    "whose true label it is. Token groups are chosen by one balanced model, against which the "
    "paper reads differences too; cross-fitted numbers stand beside those."
)
# Fields of a recipe that the paper's text gives (section 3).
_GIVEN = ("batch_size", "accumulation", "learning_rate", "head_learning_rate")


def why(document: StudyResults, corpus: str, encoder: str, configs: Sequence[RunConfig]) -> str:
    """Why numbers may differ, from the study's own settings, as a list in Markdown.

    Args:
        configs: of its runs.
    """
    lines = [_task(document, corpus)]
    ours, theirs = document["encoder"], paper.ENCODERS[encoder]
    if not ours.split("@")[0].endswith(theirs):
        lines.append(f"**Encoder**: {escaped(short(ours))} here, {escaped(theirs)} there.")
    runs = done(document)
    if runs:
        lines.append(_scale(runs, corpus))
    if configs:
        lines += _recipe(configs[0].training)
        lines += _entropy(configs, corpus)
    lines += _probe(runs, corpus, encoder, configs)
    lines.append(_FIGURES)
    lines.append("**Noise**: the paper has one run a setup and no interval; another seed differs.")
    return "\n".join(f"- {line}" for line in lines if line)


def missing(document: StudyResults, corpus: str, encoder: str) -> str:
    """What a study lacks for a column beside the paper's, and how to make it; may be empty."""
    name, suffix, lines = document["study"], paper.SUFFIX[encoder], []
    there = {run["setup"] for run in document["runs"]}
    lacking = [s + suffix for s in paper.SETUPS if s + suffix not in there]
    if lacking:
        lines.append(
            f"{encoder}'s published numbers belong to the setups "
            f"{', '.join(s + suffix for s in paper.SETUPS)}; this study lacks "
            f"{'all of them' if len(lacking) == len(paper.SETUPS) else ', '.join(lacking)}. Add "
            f"them to `setups` in its file and run `python -m core study {name}`."
        )
    runs = [run for run in done(document) if run["setup"].endswith("+entropy") == bool(suffix)]
    runs = [run for run in runs if run["setup"].removesuffix(suffix) in paper.SETUPS]
    if runs and not any("original" in run["probe"] for run in runs):
        lines.append(f"No probe of the test set: `python -m core study {name}` adds it.")
    if runs and not any("external" in run["probe"] for run in runs):
        lines.append(
            "No probe of Wikipedia or another external corpus: set `external` in the study's file "
            f"(a preset or a file of texts by language) and run `python -m core study {name}`."
        )
    return "\n\n".join(lines)


def tables_reading(document: StudyResults, corpus: str, encoder: str, found: Measured) -> str:
    """What the tables say beside a study, in a few sentences."""
    compared = [
        make(document, corpus, encoder, found)
        for make in (paper_tables.accuracies, paper_tables.probes)
    ]
    sentences = [reading(compared)]
    if encoder == "mBERT":
        sentences.append(uptake_reading(corpus, found))
    return " ".join(sentences).strip()


def reading(tables: Sequence[pd.DataFrame]) -> str:
    """How many published differences of setups agree with ours in direction, as a sentence.

    Args:
        tables: from `accuracies` and `probes`.
    """
    frames = [t for t in tables if "direction" in t]
    if not frames:
        return ""
    rows = pd.concat(frames)
    rows = rows[rows["direction"] != ""]
    judged = rows.loc[rows["direction"] != NO_VERDICT, "direction"]
    sentences = []
    if n := len(rows) - len(judged):
        without = rows[rows["direction"] == NO_VERDICT]
        same = int((without["published"] * without["ours"] > 0).sum())
        sentences.append(
            f"Of **{n}** published differences between setups that this study has, **{same}** have "
            "the same sign here; from fewer than three seeds that is no verdict."
        )
    if n := len(judged):
        agree, not_so = (int((judged == word).sum()) for word in (AGREES, DISAGREES))
        sentences.append(
            f"Of **{n}** published differences between setups that this study has, **{agree}** "
            f"agree in direction, **{not_so}** disagree, and **{n - agree - not_so}** cannot be "
            "told with these seeds. Each is judged by itself, at 95 %."
        )
    return " ".join(sentences)


def uptake_reading(corpus: str, found: Measured) -> str:
    """Skew uptake derived from Tables 1 and 2 beside ours."""
    text = (
        f"Skew uptake out of the paper's Tables 1 and 2 (derived, not printed): "
        f"**{signed(paper.uptake(corpus))}**"
    )
    if ours := found.uptake:
        text += f"; here **{signed(ours.value)}**"
        if ours.low is not None and ours.high is not None:
            over = f"{ours.seeds} seeds" if ours.seeds >= FEWEST_SEEDS else "test sentences"
            text += f" [{signed(ours.low)}, {signed(ours.high)}] over {over}"
    return (
        f"{text}. 1 copies the skew of the training set. Neither is minus balanced, of which the "
        "paper has no such table: languages differ before any skew."
    )


def _task(document: StudyResults, corpus: str) -> str:
    labels, groups = document["labels"], document["groups"]
    if is_like(document, corpus):
        name = short(document["corpus"])
        same = "" if name == corpus else f" (corpus {escaped(name)})"
        return f"**Task**: the paper's labels, languages and groups{same}: sizes are compared too."
    sides = " against ".join(escaped(" ".join(g)) for g in groups if g)
    theirs = " against ".join(" ".join(g) for g in paper.GROUPS[corpus])
    said = paper.LABELS[corpus]
    return (
        f"**Task**: corpus {escaped(short(str(document['corpus'])))} with {len(labels)} labels in "
        f"{len(document['languages'])} languages, {corpus} with {len(said)} in "
        f"{sum(map(len, paper.GROUPS[corpus]))}. They compare in direction only, by group "
        f"({sides or 'no skewed design here'}; there {theirs}), and by first and last label "
        f"({escaped(labels[0])} and {escaped(labels[-1])} for {said[0]} and {said[-1]})."
    )


def _scale(runs: Sequence[RunResults], corpus: str) -> str:
    n, published = runs[0]["n_train"], paper.ROWS[corpus]
    share = n / published["train"]
    digits = 0 if share >= 0.1 else 1 if share >= 0.01 else 2
    return (
        f"**Scale**: {n:,} training rows here, {published['train']:,} there (Table 5): "
        f"{percent(share, digits)}. A small model is less accurate and leans more on what is easy, "
        f"such as the language. Intervals follow n: {runs[0]['n_test']:,} test rows here, "
        f"{published['test']:,} there."
    )


def _recipe(recipe: Recipe) -> list[str]:
    given = {f.name: f.default for f in fields(Recipe)}
    other = [
        f"{key.replace('_', ' ')} {getattr(recipe, key):g} ({given[key]:g})"
        for key in _GIVEN
        if getattr(recipe, key) != given[key]
    ]
    if recipe.frozen_layers:
        other.append(f"{recipe.frozen_layers} frozen layers (none)")
    text = "**Recipe**: "
    if other:
        text += f"{', '.join(other)}; in brackets the paper's. "
    text += (
        f"The paper does not give epochs and maximum length: {recipe.epochs} and "
        f"{recipe.max_length} tokens here. Nor how often the validation loss is measured "
        f"({recipe.evaluations} an epoch here"
    )
    if recipe.epochs * recipe.evaluations == 1:
        text += ": once in all, so that the best model by it is just the last"
    text += "), nor the dropout before the linear layer (the encoder's own here)."
    return [text]


def _entropy(configs: Sequence[RunConfig], corpus: str) -> list[str]:
    """How equation 3 is read where it is used."""
    reading = next((c.training.masked_input for c in configs if c.entropy), "")
    if not reading:
        return []
    here = {
        "paper": "one segment of 1 to L tokens, once an optimiser step",
        "base": "the base value's input of a training row, with its segments",
        "released": "as in the released code, once a micro-batch",
    }[reading]
    pairs = " for pairs it leaves open whether there are two segments;" if corpus == "xnli" else ""
    return [
        f"**Equation 3**: the paper's masked input is of a length between 1 and L;{pairs} here it "
        f"is {here} (`masked_input`)."
    ]


def _probe(
    runs: Sequence[RunResults], corpus: str, encoder: str, configs: Sequence[RunConfig]
) -> list[str]:
    probed = [run["probe"]["original"] for run in runs if "original" in run["probe"]]
    if not probed:
        return []
    n = paper.WIKIPEDIA_PER_LANGUAGE * sum(map(len, paper.GROUPS[corpus]))
    text = (
        f"**Probe**: {probed[0]['n']:,} vectors of {probed[0]['dimension']} dimensions here, "
        f"{paper.ROWS[corpus]['test']:,} of the test set and {n:,} of Wikipedia with {DIMENSION} "
        "there; with fewer rows and dimensions the strongly regularised released probe tells the "
        "languages less well. The paper's text has scikit-learn's defaults; here folds are "
        "shuffled and by sentence, the solver has 1,000 iterations in place of 100, and for the "
        "probe at default strength vectors are centred."
    )
    if encoder == "mBERT":
        pooled = bool(configs) and configs[0].training.pooling == "released"
        text += (
            " The released code probes mBERT's pooled output, the paper's text the CLS token; "
            f"here it is the {'pooled output' if pooled else 'CLS token'}."
        )
    external = configs[0].external if configs else ""
    if external and "wikipedia" not in external.lower():
        text += f" The external corpus is {escaped(short(external))}, not Wikipedia."
    return [text]
