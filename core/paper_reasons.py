"""Why a study's numbers may differ from the paper's, what it lacks, and what the tables say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from core import paper, paper_comparison
from core.config import RunConfig
from core.paper_comparison import done, is_like
from core.paper_verdicts import Differences
from core.recipe import Recipe
from core.words import escaped, percent, short, signed

# Of the hidden layer of both encoders of the paper, from their configurations.
DIMENSION = 768
# Fields of a recipe that the paper's text gives (section 3).
_GIVEN = ("batch_size", "accumulation", "learning_rate", "head_learning_rate")


def why(document: dict[str, Any], corpus: str, encoder: str, configs: Sequence[RunConfig]) -> str:
    """Why numbers may differ, from the study's own settings, as a list in Markdown.

    Args:
        document: from `results.summary`.
        configs: of its runs.
    """
    lines = [_task(document, corpus)]
    ours, theirs = str(document["encoder"]), paper.ENCODERS[encoder]
    if not ours.split("@")[0].endswith(theirs):
        lines.append(f"**Encoder**: {escaped(short(ours))} here, {escaped(theirs)} there.")
    runs = done(document)
    if runs:
        lines.append(_scale(runs, corpus))
    if configs:
        lines += _recipe(configs[0].training)
    lines += _probe(runs, corpus, encoder, configs)
    lines.append("**Noise**: the paper has one run a setup and no interval; another seed differs.")
    return "\n".join(f"- {line}" for line in lines if line)


def missing(document: dict[str, Any], corpus: str, encoder: str) -> str:
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


def tables_reading(document: dict[str, Any], corpus: str, encoder: str, found: Differences) -> str:
    """What the tables say beside a study, in a sentence or two."""
    compared = [
        make(document, corpus, encoder, found)
        for make in (paper_comparison.accuracies, paper_comparison.probes)
    ]
    sentences = [reading(compared)]
    if encoder == "mBERT":
        sentences.append(uptake_reading(document, corpus))
    return " ".join(sentences).strip()


def reading(tables: Sequence[pd.DataFrame]) -> str:
    """How many published differences of setups have the same sign here, as a sentence.

    Args:
        tables: from `accuracies` and `probes`.
    """
    frames = [t for t in tables if "direction" in t]
    said = pd.concat([t["direction"] for t in frames]) if frames else pd.Series(dtype=str)
    said = said[said != ""]
    if not len(said):
        return ""
    same, apart = said.str.startswith("agrees"), ~said.str.contains("not apart|no interval")
    text = (
        f"Of **{len(said)}** published differences between setups that this study has, "
        f"**{int(same.sum())}** have the same sign here"
    )
    if n := int((same & apart).sum()):
        text += f", {n} of them with an interval apart from 0"
    if n := int((~same & apart).sum()):
        text += f"; **{n}** {'goes' if n == 1 else 'go'} the other way, apart from 0"
    return f"{text}."


def uptake_reading(document: dict[str, Any], corpus: str) -> str:
    """Skew uptake derived from Tables 1 and 2 beside ours."""
    text = (
        f"Skew uptake out of the paper's Tables 1 and 2 (derived, not printed): "
        f"**{signed(paper.uptake(corpus))}**"
    )
    runs = [r for r in done(document) if r["setup"] == "imbalanced" and r["skew_uptake"]]
    if runs:
        low = min(r["skew_uptake_ci"][0] for r in runs)
        high = max(r["skew_uptake_ci"][1] for r in runs)
        mean = sum(r["skew_uptake"] for r in runs) / len(runs)
        text += f"; here **{signed(mean)}** [{signed(low)}, {signed(high)}]"
    return f"{text}. 0 ignores the skew of the training set, 1 copies it."


def _task(document: dict[str, Any], corpus: str) -> str:
    labels, groups = document["labels"], document["groups"]
    if is_like(document, corpus):
        name = short(str(document["corpus"]))
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


def _scale(runs: Sequence[dict[str, Any]], corpus: str) -> str:
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
        f"{recipe.max_length} tokens here."
    )
    return [text]


def _probe(
    runs: Sequence[dict[str, Any]], corpus: str, encoder: str, configs: Sequence[RunConfig]
) -> list[str]:
    probed = [run["probe"]["original"] for run in runs if "original" in run["probe"]]
    if not probed:
        return []
    n = paper.WIKIPEDIA_PER_LANGUAGE * sum(map(len, paper.GROUPS[corpus]))
    text = (
        f"**Probe**: {probed[0]['n']:,} vectors of {probed[0]['dimension']} dimensions here, "
        f"{paper.ROWS[corpus]['test']:,} of the test set and {n:,} of Wikipedia with {DIMENSION} "
        "there; with fewer rows and dimensions the strongly regularised released probe tells the "
        "languages less well. Folds are by sentence here, plain ones there."
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
