"""Figures and tables of attributions."""

from __future__ import annotations

import pandas as pd

from core.charts import tokens as charts
from core.figures import tokens_sentences
from core.figures.figure import Figure, Table
from core.measures.cumulative import TOKEN_GROUPS
from core.results import token_tables
from core.results.names import PART_NAMES
from core.results.schema import Attributions, RelianceRow, StudyResults

SHARES = dict.fromkeys((PART_NAMES[group] for group in TOKEN_GROUPS), "percent")


def cumulative(
    study: StudyResults,
    document: Attributions,
    label: str,
    setup: str,
    seed: int | None,
    *,
    crossed: bool = False,
) -> Figure:
    """Cumulative differences of one class, a panel a token group (the paper's figure 1).

    Args:
        seed: None for the mean over seeds.
        crossed: cross-fitted, else as in the paper.
    """
    error = document["cost"]["standard_error"]
    n = tokens_sentences.amount(document, label, setup, seed)
    with_noise = any(
        r["between_balanced"] is not None
        for r in token_tables.chosen(document, "rows", setup, seed, crossed=crossed)
    )
    caption = f"{tokens_sentences.compared(document, setup, seed, crossed=crossed)} {n} "
    if with_noise:
        caption += (
            "Grey: what two balanced models of different seeds differ by (root mean square, to "
            "both sides), which share less than the two models of one seed do. "
        )
    caption += f"Units of probability. Threshold {document['threshold']:g}, method " + (
        f"{document['key']}, standard error of a value {error:.3f}."
        if error
        else f"{document['key']}."
    )
    return Figure(
        f"{study['study']}-cumulative-{label}-{_name(setup, seed, crossed)}{_texts(document)}",
        _title(document, label, setup, crossed),
        charts.cumulative(study, document, label, setup, seed, crossed=crossed),
        caption,
        "A bar is the mean over a language's texts of the summed change of SHAP values in a "
        "token group of a balanced model. Where the group is chosen by the very model that is "
        "subtracted, as in the paper, its noise alone makes supporting tokens fall and opposing "
        "ones rise (regression to the mean). Cross-fitted, a balanced model of another seed "
        "chooses the group, and a setup that does nothing has bars of 0 on average. The paper "
        "finds that neutral tokens gain where a class was over-represented (sections 2.3 and 4.3, "
        "figure 1). It leaves open whether a class takes all texts or those labelled so; both can "
        "be chosen.",
        " ".join(
            filter(
                None,
                (
                    said(document, label, setup, seed, crossed=crossed)
                    for said in (tokens_sentences.reading, tokens_sentences.noise)
                ),
            )
        ),
        charts.sides_legend(with_noise),
        4,
    )


def _title(document: Attributions, label: str, setup: str, crossed: bool) -> str:
    how = "cross-fitted" if crossed else "as in the paper"
    differences = f"{setup} − {document['reference']}, {how}"
    return f"Cumulative difference of attributions to {label}: {differences}"


def _name(setup: str, seed: int | None, crossed: bool) -> str:
    return f"{setup}{'' if seed is None else f'-{seed}'}{'-crossed' if crossed else ''}"


def _texts(document: Attributions) -> str:
    return "" if document["counted"] == "all" else "-own-label"


def cumulative_table(
    name: str,
    document: Attributions,
    label: str,
    setup: str,
    seed: int | None,
    *,
    crossed: bool = False,
) -> Table:
    """The numbers behind `cumulative`."""
    return Table(
        f"{name}-cumulative-{label}-{_name(setup, seed, crossed)}{_texts(document)}-values",
        _title(document, label, setup, crossed),
        token_tables.cells(document, label, setup, seed, crossed=crossed),
        {"tokens": "%.0f", "texts": "%.0f"},
        caption=tokens_sentences.compared(document, setup, seed, crossed=crossed),
    )


def per_token_table(
    name: str,
    document: Attributions,
    label: str,
    setup: str,
    seed: int | None,
    *,
    crossed: bool = False,
) -> Table:
    """Tokens a text and means a token."""
    return Table(
        f"{name}-per-token-{label}-{_name(setup, seed, crossed)}{_texts(document)}",
        f"Tokens a text and means a token: {label}, {setup} − {document['reference']}",
        token_tables.per_text(document, label, setup, seed, crossed=crossed),
        {"tokens": "%.0f", "texts": "%.0f"},
        caption="Languages differ in length: a text's sum grows with its tokens, a token's mean "
        "does not.",
    )


def shares_table(name: str, document: Attributions) -> Table:
    """Share of tokens in each group of the reference."""
    return Table(
        f"{name}-token-shares{_texts(document)}",
        f"Share of tokens in each group of {document['reference']}",
        token_tables.shares(document),
        SHARES,
        caption="At 0.01 the paper finds about 20 / 60 / 20 (appendix A.4).",
    )


def decomposition(name: str, document: Attributions, n: str, *, crossed: bool = False) -> Figure:
    """Parts of the change of the soft uptake.

    Args:
        n: the amount of texts, from `tokens_sentences.amount`.
        crossed: cross-fitted, else as in the paper.
    """
    groups = "by the balanced models of other seeds" if crossed else "as in the paper"
    seeds = bool(document["over_seeds"]["decomposition"])
    lines = (
        "95 % interval over seeds and test sentences, small points the seeds"
        if seeds
        else "95 % interval over test sentences alone, a point a seed"
    )
    return Figure(
        f"{name}-decomposition{'-crossed' if crossed else ''}",
        "Which tokens carry the change of the soft uptake",
        [charts.decomposition(document, crossed=crossed)],
        f"Groups chosen {groups}. {n} All classes. Lines: {lines}. "
        f"Threshold {document['threshold']:g}.",
        "The soft uptake says how much of the training skew mean probabilities copy. Its "
        "change from the reference splits exactly into what supporting, opposing and neutral "
        "tokens (the paper's positive, negative and neutral ones) and the base value do: the four "
        "add up to the total below them. The base value depends on the number of tokens alone. How "
        "much neutral tokens carry depends on the threshold: see the curve. (Beyond the paper; "
        "built on its equation 1.)",
    )


def reliance(name: str, rows: list[RelianceRow], setup: str, threshold: float) -> Figure:
    """Language reliance over thresholds: what neutral tokens carry, and of how many tokens.

    Args:
        rows: from `attributions.reliance_curve`; not empty.
        setup, threshold: that the reading is of.
    """
    first = rows[0]
    groups = "by balanced models of other seeds" if first["cross_fitted"] else "as in the paper"
    return Figure(
        f"{name}-language-reliance",
        "Language reliance: the change of the soft uptake that neutral tokens carry",
        charts.reliance(rows),
        f"Left with a 95 % interval over {first['covers'].replace('other ', '')}; right the share "
        "of the whole change, where that is apart from 0, and dashed the share of the tokens that "
        f"are neutral. Groups chosen {groups}. n = {first['n_texts']} texts, {first['n_seeds']} "
        f"{'seed' if first['n_seeds'] == 1 else 'seeds'}.",
        "Tokens are neutral whose value in a balanced model is within the threshold, and the "
        "larger it is, the more tokens are: so there is no one number. Where the solid line "
        "follows the dashed one, the change is spread over tokens whatever they mean; above it, "
        "neutral tokens carry more than their number. Left of the vertical rule the threshold is "
        "below the standard error of a value, and groups are cut by noise. The base value's part "
        "is not in it. (Beyond the paper; built on its equation 1 and appendix A.4.)",
        tokens_sentences.reliance(rows, setup, threshold),
        columns=2,
    )


def reliance_table(name: str, rows: list[RelianceRow]) -> Table:
    """The numbers behind `reliance`."""
    ratios = ("share of the change", "share from", "share to", "share of tokens")
    return Table(
        f"{name}-language-reliance-values",
        "Language reliance by threshold",
        token_tables.curve(rows),
        {"threshold": "%g", **dict.fromkeys(ratios, "percent")},
    )


def one_text(frame: pd.DataFrame, shown: str, by: str, *, title: str, name: str) -> Figure:
    """A bar a token of one text.

    Args:
        frame: from `tokens.one_text`.
        shown: its column of values.
        by: what a row is, in words: words or subwords.
        title, name: as Figure's.
    """
    return Figure(
        charts=[charts.one_text(frame, shown)],
        title=title,
        name=name,
        caption=f"n = {len(frame)} {by}, in the colours of the text above: violet, with a line, "
        "pushes towards the class, ochre, with dots, away from it; full colour at "
        f"{charts.strongest(frame):.2g}. A token's number is its place in the text; the sign "
        "before the bar is its group in the reference." + tokens_sentences.spread(frame),
        how="A SHAP value is how much a token moves the probability of the class, on average over "
        "all sets of the other tokens that may be masked. Values and the base value add up to the "
        "prediction. (Paper, section 2.3, equation 1.)",
        legend=charts.tokens_legend(),
    )
