"""Texts are text: a text that holds `<mask>`, `[SEP]` or `<s>` is read as these characters.

A tokenizer takes such names for the special tokens they name, so that a text could mask itself or
end before its end. Transformers' `split_special_tokens` is half of a remedy: in a Unigram
vocabulary, and in any vocabulary whose splitter leaves such a name whole, it is a piece like others
and gives the same id. Here these pieces are called what no text can hold.
"""

from __future__ import annotations

import json
from typing import Any
from weakref import WeakKeyDictionary

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

# A blank never reaches a vocabulary: splitters cut at it or put another sign in its place.
_UNSPEAKABLE = " \ufffe "

_readers: WeakKeyDictionary[PreTrainedTokenizerFast, PreTrainedTokenizerFast] = WeakKeyDictionary()


def reader(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """A tokenizer for reading texts, which gives no special token but those around a text.

    It has the same ids, splits every other text into the same tokens, and is made once for each
    tokenizer. What it lacks are the names of the special tokens: ask the tokenizer itself.
    """
    if tokenizer not in _readers:
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        names = set(tokenizer.all_special_tokens)
        names |= {token["content"] for token in state["added_tokens"] if token["special"]}
        _rename(state["model"], names)
        state["added_tokens"] = [t for t in state["added_tokens"] if t["content"] not in names]
        _readers[tokenizer] = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer.from_str(json.dumps(state)),
            model_max_length=tokenizer.model_max_length,
            model_input_names=tokenizer.model_input_names,
        )
    return _readers[tokenizer]


def _rename(model: dict[str, Any], names: set[str]) -> None:
    """Rename pieces of a vocabulary, which is a list (Unigram) or a table of ids (the others)."""

    def renamed(piece: str) -> str:
        return _UNSPEAKABLE + piece if piece in names else piece

    if isinstance(model["vocab"], list):
        model["vocab"] = [[renamed(piece), score] for piece, score in model["vocab"]]
    else:
        model["vocab"] = {renamed(piece): i for piece, i in model["vocab"].items()}
    if isinstance(model.get("unk_token"), str):
        model["unk_token"] = renamed(model["unk_token"])
