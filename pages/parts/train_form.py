"""The form of the Train page: a study, filled by one that is there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from core.config import CHOICES, Recipe
from core.corpora.find import EXTERNAL, PRESETS
from core.mitigation import setups
from core.models import hub
from core.sampling import designs as sampling_designs
from core.studies import form
from core.studies.study import CHOICES as CHOICES_OF_STUDY
from core.studies.study import Study

_HELP = {
    "seeds": "Below three there is no verdict on any difference: another seed may differ by more. "
    "Check says what so many seeds can see.",
    "groups": "For the design linear: shares rise over the labels in the languages before the bar "
    "and fall in those behind it. Empty: the halves of the languages.",
    "strength": "1: the design as it is. Below 1 nearer to that of the balanced setups, above 1 "
    "farther from it, as long as no cell is below 0.",
    "columns": "Where a file's columns have other names: ours=theirs, such as language=lang.",
    "languages": "Only these, in this order. Empty: all of the corpus.",
    "labels": "In their order. Empty: the corpus's own.",
    "external": "A corpus for the external probe, named like the corpus; the paper's is "
    "wikipedia, or wikipedia@ with a folder or file. Empty: none.",
    "external_columns": "As for columns, of the external corpus, which needs text and language.",
    "batch_size": "Rows of a micro-batch; halved by itself where the memory does not suffice.",
    "accumulation": "Micro-batches an optimiser step; its rows are batch size x accumulation.",
    "max_length": "Tokens a text or pair, special tokens included.",
    "frozen_layers": "The embeddings and so many lower layers stay as pretrained; what they give "
    "is computed once for all runs. 0: all is trained.",
    "warmup": "Share of the steps over which the learning rates rise from 0.",
    "trim": "Cut the vocabulary to the tokens of the corpus: smaller, faster, the same outputs.",
    "prefix": "Put before each text, and never masked nor explained. Encoders of the e5 kind, such "
    "as multilingual-e5-small, were trained with `query: ` (with a blank at its end). Empty: none.",
    "masked_input": "How setups with +entropy read equation 3: the paper; base, the base value's "
    "own inputs, two segments for pairs; or the released code.",
    "evaluations": "Times an epoch that the validation loss is measured; the model with the lowest "
    "is kept. With one epoch one evaluation leaves nothing to choose from.",
    "pooling": "What the linear layer reads: the last CLS vector (the paper), or of a BERT its "
    "pooled output (the released code).",
    "optimiser": "The paper names none; its released code has radam.",
    "final_rate": "Share of the learning rates that is left at the end; the released code: 0.01.",
}


def fill(given: Study) -> dict[str, Any]:
    """Widgets that hold a study's values; what they hold now."""
    texts = form.texts_of(given)

    def key(name: str) -> str:
        return f"study-{given.name}-{name}"

    def text(place: Any, label: str, name: str, value: str) -> str:
        return str(place.text_input(label, value, key=key(name), help=_HELP.get(name)))

    def one(place: Any, label: str, name: str, known: list[str], value: str, **more: Any) -> str:
        options = list(dict.fromkeys([*known, value]))
        chosen = place.selectbox(label, options, options.index(value), key=key(name), **more)
        return str(chosen)

    left, right = st.columns(2)
    values: dict[str, Any] = {
        "name": text(left, "Name", "name", given.name),
        "corpus": one(
            left,
            "Corpus",
            "corpus",
            [name for name in PRESETS if name not in EXTERNAL],
            given.corpus,
            accept_new_options=True,
            help="By name; amazon and xnli also with a source of your own, as in xnli@folder: a "
            "hub id, a folder in the hub's layout or a file. Or the path of a CSV, TSV, JSON Lines "
            "or Parquet file.",
        ),
        "encoder": one(
            left,
            "Encoder",
            "encoder",
            [*hub.HUB, hub.TINY],
            given.encoder,
            accept_new_options=True,
            help="By name, a folder, or a hub id (id@revision).",
        ),
        "setups": right.multiselect(
            "Setups",
            list(dict.fromkeys([*setups.suggested(), *given.setups])),
            given.setups,
            key=key("setups"),
            accept_new_options=True,
            help="Mitigations follow balanced or imbalanced with +, such as imbalanced+cw+entropy.",
        ),
        "seeds": text(right, "Seeds", "seeds", texts["seeds"]),
    }
    named = isinstance(given.design, str)
    designs = [*sampling_designs.DESIGNS, *([] if named else [form.TABLE])]
    design = str(given.design) if named else form.TABLE
    values["design"] = one(right, form.label("design"), "design", designs, design)
    for name in ("balanced", "test"):
        values[name] = one(
            right, form.label(name), name, list(CHOICES_OF_STUDY[name]), getattr(given, name)
        )
    name = "strength"
    values[name] = right.number_input(
        form.label(name), 0.0, value=given.strength, step=0.25, key=key(name), help=_HELP[name]
    )
    with st.expander("Sizes, languages, hyperparameters"):
        values |= _advanced(given, texts, key, text)
    return values


def _advanced(given: Study, texts: dict[str, str], key: Any, text: Any) -> dict[str, Any]:
    places = st.columns(3)
    values: dict[str, Any] = {}
    for place, split in zip(places, ("train", "validation", "test"), strict=True):
        name = f"{split}_per_language"
        values[name] = place.number_input(
            form.label(name),
            min_value=1,
            value=getattr(given, name),
            placeholder="the largest that fits",
            key=key(name),
        )
        name = f"{split}_rows"
        values[name] = place.number_input(
            form.label(name),
            min_value=1,
            value=getattr(given, name),
            placeholder="or as above",
            key=key(name),
            help="In place of rows a language, where languages differ in size.",
        )
    for i, name in enumerate(("languages", "labels", "groups", "columns")):
        values[name] = text(places[i % 3], form.label(name), name, texts[name])
    values["external"] = text(places[1], form.label("external"), "external", given.external)
    name = "external_columns"
    values[name] = text(places[2], form.label(name), name, texts[name])
    training: dict[str, Any] = {}
    for i, (name, value) in enumerate(asdict(given.training).items()):
        place, label = places[i % 3], form.label(name)
        more: dict[str, Any] = {"key": key(name), "help": _HELP.get(name)}
        if isinstance(value, bool):
            training[name] = place.checkbox(label, value, **more)
        elif isinstance(value, str) and name not in CHOICES:
            training[name] = place.text_input(label, value, **more)
        elif isinstance(value, str):
            known = CHOICES[name]
            training[name] = place.selectbox(label, known, known.index(value), **more)
        elif isinstance(value, int):
            training[name] = int(place.number_input(label, 0, value=value, **more))
        else:
            more |= {"step": 0.00001, "format": "%g"}
            training[name] = place.number_input(label, 0.0, 1.0, value, **more)
    default = asdict(Recipe())
    values["training"] = {k: v for k, v in training.items() if v != default[k]}
    return values
