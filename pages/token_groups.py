"""The upper half of the page Tokens: cumulative differences and the parts of the uptake."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import token_reading, tokens
from core.charts import tokens as charts
from pages import common, view

SHARES = dict.fromkeys(("negative", "neutral", "positive"), "percent")


def draw(
    study: dict[str, Any], document: dict[str, Any], label: str, setup: str, seed: int
) -> None:
    """What one setup does to one class, then what carries the change of the uptake."""
    name, reference, cost = study["study"], document["reference"], document["cost"]
    own = [r for r in document["rows"] if (r["setup"], r["seed"]) == (setup, seed)]
    has_null = any(r["null"] is not None for r in own)
    minus = has_null and view.switch(
        "Minus the null",
        "minus-null",
        help="The null is another balanced model: what differs between it and the reference is "
        "noise and selection. Off: the null stands beside each bar.",
    )
    n = token_reading.amount(document, label, setup, seed)
    error = cost["standard_error"]
    common.figure(
        charts.cumulative(study, document, label, setup, seed, minus_null=minus),
        f"Cumulative difference of attributions to {label}: {setup} − {reference}"
        + (", minus the null" if minus else ""),
        name=f"{name}-cumulative-{label}-{setup}",
        reading=token_reading.reading(document, label, setup, seed),
        legend=charts.sides_legend(has_null and not minus),
        columns=4,
        caption=f"{n} In units of probability, one training. Lines: 95 % interval over "
        f"sentences. Threshold {document['threshold']:g}, method {document['key']}"
        + (f", standard error of a value {error:.3f}." if error else "."),
        how="A bar is the mean over a language's texts of the summed change of SHAP values in a "
        "token group of the reference model. Positive tokens fall and negative ones rise by "
        "selection alone: the null shows how much, so read bars against it. The paper finds that "
        "neutral tokens gain where a class was over-represented (sections 2.3 and 4.3, figure 1).",
    )
    with st.expander("As a table"):
        table = tokens.cells(document, label, setup, seed)
        common.table(table, f"{name}-cumulative-{label}-{setup}-values")
    with st.expander("Tokens a text and means a token"):
        st.caption(
            "Languages differ in length: a text's sum grows with its tokens, a token's mean does "
            "not."
        )
        table = tokens.per_text(document["rows"], label, setup, seed)
        common.table(table, f"{name}-per-token-{label}-{setup}")
    with st.expander("Share of tokens in each group of the reference"):
        common.table(tokens.shares(document), f"{name}-token-shares", SHARES)
        st.caption("At 0.01 the paper finds about 20 / 60 / 20 (appendix A.4).")
    if document["decomposition"]:
        common.figure(
            charts.decomposition(document, minus_null=minus),
            "Which tokens carry the change of the soft uptake"
            + (", minus the null" if minus else ""),
            name=f"{name}-decomposition",
            caption=f"{n} All classes. Lines: 95 % interval over sentences, a point a seed. "
            f"Threshold {document['threshold']:g}.",
            how="The soft uptake says how much of the training skew mean probabilities copy. Its "
            "change from the reference splits exactly into what positive, negative and neutral "
            "tokens and the base value do. Language reliance is the neutral and the base part: "
            "what carries no meaning for the task. (Beyond the paper; built on its equation 1.)",
        )
