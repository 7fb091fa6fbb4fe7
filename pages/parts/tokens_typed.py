"""A text that the reader types: what two runs predict of it, and what its tokens do."""

from __future__ import annotations

import hashlib
import json

import streamlit as st

from core.checkpoints.studies import Started
from core.corpora import texts
from core.jobs import ask, monitoring, queue
from core.results import tokens
from core.results.attributions import runs_of
from core.results.schema import Attributions, TypedText
from pages.parts import tokens_text
from pages.shared import access, address, drawing, job_button, study_data

FORMATS = dict.fromkeys(("reference", "other", "difference"), "%.3f")


def draw(
    study: Started, document: Attributions, label: str, setup: str, seed: int, by: str
) -> None:
    """A box for a text or pair, then its predictions and attributions."""
    st.markdown("#### Try a text of your own")
    file = study_data.texts_file(study)
    pair = file is not None and texts.has_pairs(file)
    with st.form("typed", border=False):
        given = {"text": address.write("First text" if pair else "Text", "text")}
        if pair:
            given["text_b"] = address.write("Second text", "text_b")
        asked = st.form_submit_button("Explain", **access.limits())
    runs = runs_of(document, setup, seed)
    arguments = {**given, "runs": list(runs)}
    digest = hashlib.sha256(json.dumps(arguments).encode()).hexdigest()[:16]
    job = queue.find(f"sentence-{digest}")
    if asked and all(given.values()) and (job is None or job.state != "done"):
        job = ask.ask("sentence", digest, arguments, access.acting())
    if job is None:
        st.caption(
            "Both models read it in a process of their own; the first text takes some seconds "
            "until they are loaded."
        )
    elif job.state in monitoring.ACTIVE:
        job_button.wait_for(job.id, "Explaining")
    elif job.state != "done":
        job_button.complain(job)
    else:
        _show(document, job.result, runs, label, setup, by)


def _show(
    document: Attributions,
    result: TypedText,
    runs: tuple[str, str],
    label: str,
    setup: str,
    by: str,
) -> None:
    drawing.table(tokens.typed_predictions(result, *runs), "typed-predictions", FORMATS)
    st.caption(f"Probabilities by {document['reference']} (reference) and {setup} (other).")
    if unknown := max(result["runs"][run]["unknown"] for run in runs):
        st.caption(
            f"{unknown} of its tokens are not in the vocabulary, which is cut to the study's "
            "corpus; the models cannot read them."
        )
    told = sorted({x for run in runs if (x := result["runs"][run].get("language"))})
    if told:
        st.caption(f"Identified as {', '.join(told)}, for a model that is told the language.")
    frame = tokens.typed(result, *runs, label, document["threshold"], by)
    if frame is None:
        st.info("The two runs cut the text into different tokens; their values do not compare.")
        return
    tokens_text.show(document, frame, "typed", "typed-bars", label, setup, by)
