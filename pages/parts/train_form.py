"""The form of the Train page: a study, filled by one that is there."""

from __future__ import annotations

from collections.abc import Iterator
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
from core.studies.study import SPLITS, Study
from pages.parts.train_fields import Fields

_HELP = {
    **{
        f"{split}_rows": "In place of rows a language, where languages differ in size."
        for split in SPLITS
    },
    "corpus": "By name; amazon and xnli also with a source of your own, as in xnli@folder: a hub "
    "id, a folder in the hub's layout or a file. Or the path of a CSV, TSV, JSON Lines or Parquet "
    "file.",
    "encoder": "By name, a folder, or a hub id (id@revision).",
    "setups": "Mitigations follow balanced or imbalanced with +, such as imbalanced+cw+entropy.",
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


_USUAL = (
    "epochs",
    "batch_size",
    "learning_rate",
    "max_length",
    "frozen_layers",
)  # the others: more


def fill(given: Study) -> dict[str, Any]:
    """Widgets that hold a study's values, in their order: data, training, more; what they hold."""
    texts, fields = form.texts_of(given), Fields(given.name, _HELP)
    values: dict[str, Any] = {"name": fields.text(st, "Name", "name", given.name)}
    st.markdown("##### Data")
    values |= _data(given, texts, fields)
    st.markdown("##### Training")
    values |= _training(given, texts, fields)
    with st.expander("More: sizes, external corpus, all hyperparameters"):
        values |= _more(given, texts, fields)
        recipe = asdict(given.training)
        rest = {name: value for name, value in recipe.items() if name not in _USUAL}
        values["training"] |= _recipe(rest, fields)
    default = asdict(Recipe())
    values["training"] = {k: v for k, v in values["training"].items() if v != default[k]}
    return values


def _places() -> Iterator[Any]:
    """Places row by row, three beside each other, so that their order is seen."""
    while True:
        yield from st.columns(3)


def _data(given: Study, texts: dict[str, str], fields: Fields) -> dict[str, Any]:
    place = _places()
    corpora = [name for name in PRESETS if name not in EXTERNAL]
    values: dict[str, Any] = {
        "corpus": fields.one(next(place), "Corpus", "corpus", corpora, given.corpus, new=True)
    }
    for name in ("columns", "languages", "labels", "groups"):
        values[name] = fields.text(next(place), form.label(name), name, texts[name])
    named = isinstance(given.design, str)
    designs = [*sampling_designs.DESIGNS, *([] if named else [form.TABLE])]
    design = str(given.design) if named else form.TABLE
    values["design"] = fields.one(next(place), form.label("design"), "design", designs, design)
    for name in ("balanced", "test"):
        known = list(CHOICES_OF_STUDY[name])
        values[name] = fields.one(next(place), form.label(name), name, known, getattr(given, name))
    name = "strength"
    values[name] = fields.number(
        next(place), form.label(name), name, float(given.strength), 0.0, step=0.25
    )
    return values


def _training(given: Study, texts: dict[str, str], fields: Fields) -> dict[str, Any]:
    place = _places()
    encoders = [*hub.HUB, hub.TINY]
    values: dict[str, Any] = {
        "encoder": fields.one(next(place), "Encoder", "encoder", encoders, given.encoder, new=True),
        "setups": fields.some(
            next(place), "Setups", "setups", setups.suggested(), list(given.setups)
        ),
        "seeds": fields.text(next(place), "Seeds", "seeds", texts["seeds"]),
    }
    recipe = asdict(given.training)
    values["training"] = _recipe({name: recipe[name] for name in _USUAL}, fields)
    return values


def _more(given: Study, texts: dict[str, str], fields: Fields) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for end, empty in (("per_language", "the largest that fits"), ("rows", "or as above")):
        for at, split in zip(st.columns(3), SPLITS, strict=True):
            name = f"{split}_{end}"
            values[name] = fields.number(
                at, form.label(name), name, getattr(given, name), 1, empty=True, placeholder=empty
            )
    place = _places()
    values["external"] = fields.text(
        next(place), form.label("external"), "external", given.external
    )
    name = "external_columns"
    values[name] = fields.text(next(place), form.label(name), name, texts[name])
    return values


def _recipe(recipe: dict[str, Any], fields: Fields) -> dict[str, Any]:
    """Hyperparameters by their names."""
    place = _places()
    values: dict[str, Any] = {}
    for name, value in recipe.items():
        at, label = next(place), form.label(name)
        if isinstance(value, bool):
            values[name] = fields.check(at, label, name, value)
        elif isinstance(value, str) and name not in CHOICES:
            values[name] = fields.text(at, label, name, value)
        elif isinstance(value, str):
            values[name] = fields.one(at, label, name, CHOICES[name], value)
        elif isinstance(value, int):
            values[name] = fields.number(at, label, name, value, 0)
        else:
            more = {"step": 0.00001, "format": "%g"}
            values[name] = fields.number(at, label, name, value, 0.0, 1.0, **more)
    return values
