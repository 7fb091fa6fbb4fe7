"""Figures and tables of attributions."""

from __future__ import annotations

from typing import Any

from core import token_reading, tokens
from core.charts import tokens as charts
from core.figures import Figure, Table

SHARES = dict.fromkeys(("negative", "neutral", "positive"), "percent")
Document = dict[str, Any]


def has_null(document: Document, setup: str, seed: int) -> bool:
    """Whether there is a null to read a setup's differences against."""
    own = [r for r in document["rows"] if (r["setup"], r["seed"]) == (setup, seed)]
    return any(r["null"] is not None for r in own)


def cumulative(
    study: Document,
    document: Document,
    label: str,
    setup: str,
    seed: int,
    *,
    minus_null: bool = False,
) -> Figure:
    """Cumulative differences of one class, a panel a token group (the paper's figure 1).

    Args:
        study: from `results.summary`.
        document: from `attributed.attributions`.
    """
    error = document["cost"]["standard_error"]
    n = token_reading.amount(document, label, setup, seed)
    with_null = has_null(document, setup, seed) and not minus_null
    suffix = "-minus-null" if minus_null else ""
    return Figure(
        f"{study['study']}-cumulative-{label}-{setup}{suffix}",
        f"Cumulative difference of attributions to {label}: {setup} − {document['reference']}"
        + (", minus the null" if minus_null else ""),
        charts.cumulative(study, document, label, setup, seed, minus_null=minus_null),
        f"{n} In units of probability, one training. Lines: 95 % interval over "
        f"sentences. Threshold {document['threshold']:g}, method {document['key']}"
        + (f", standard error of a value {error:.3f}." if error else "."),
        "A bar is the mean over a language's texts of the summed change of SHAP values in a "
        "token group of the reference model. Positive tokens fall and negative ones rise by "
        "selection alone: the null shows how much, so read bars against it. The paper finds that "
        "neutral tokens gain where a class was over-represented (sections 2.3 and 4.3, figure 1).",
        token_reading.reading(document, label, setup, seed),
        charts.sides_legend(with_null),
        4,
    )


def cumulative_table(name: str, document: Document, label: str, setup: str, seed: int) -> Table:
    """The numbers behind `cumulative`."""
    return Table(
        f"{name}-cumulative-{label}-{setup}-values",
        f"Cumulative difference of attributions to {label}: {setup} − {document['reference']}",
        tokens.cells(document, label, setup, seed),
        {"tokens": "%.0f"},
    )


def per_token_table(name: str, document: Document, label: str, setup: str, seed: int) -> Table:
    """Tokens a text and means a token."""
    return Table(
        f"{name}-per-token-{label}-{setup}",
        f"Tokens a text and means a token: {label}, {setup} − {document['reference']}",
        tokens.per_text(document["rows"], label, setup, seed),
        caption="Languages differ in length: a text's sum grows with its tokens, a token's mean "
        "does not.",
    )


def shares_table(name: str, document: Document) -> Table:
    """Share of tokens in each group of the reference."""
    return Table(
        f"{name}-token-shares",
        f"Share of tokens in each group of {document['reference']}",
        tokens.shares(document),
        SHARES,
        caption="At 0.01 the paper finds about 20 / 60 / 20 (appendix A.4).",
    )


def decomposition(name: str, document: Document, n: str, *, minus_null: bool = False) -> Figure:
    """Parts of the change of the soft uptake.

    Args:
        n: the amount of texts, from `token_reading.amount`.
    """
    return Figure(
        f"{name}-decomposition{'-minus-null' if minus_null else ''}",
        "Which tokens carry the change of the soft uptake"
        + (", minus the null" if minus_null else ""),
        [charts.decomposition(document, minus_null=minus_null)],
        f"{n} All classes. Lines: 95 % interval over sentences, a point a seed. "
        f"Threshold {document['threshold']:g}.",
        "The soft uptake says how much of the training skew mean probabilities copy. Its "
        "change from the reference splits exactly into what positive, negative and neutral "
        "tokens and the base value do. Language reliance is the neutral and the base part: "
        "what carries no meaning for the task. (Beyond the paper; built on its equation 1.)",
    )
