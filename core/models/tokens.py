"""Texts as token ids, and what masks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from transformers import (
    PreTrainedTokenizerFast,
)

from core.errors import InputError
from core.models.plain_text import reader


class Tokens(NamedTuple):
    """One encoded text or pair: ids with special tokens, token types where the model has any."""

    ids: tuple[int, ...]
    types: tuple[int, ...] | None


def tokenise(
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    texts_b: Sequence[str] | None,
    max_length: int,
) -> list[Tokens]:
    """Encode texts or pairs, truncated to `max_length` tokens (the longer of a pair first).

    Names of special tokens in a text are text (core.models.plain_text).
    """
    encoded = reader(tokenizer)(
        list(texts),
        list(texts_b) if texts_b is not None else None,
        truncation=True,
        max_length=max_length,
    )
    types = encoded.get("token_type_ids")
    return [
        Tokens(tuple(ids), tuple(types[i]) if types is not None else None)
        for i, ids in enumerate(encoded["input_ids"])
    ]


def mask_content(tokens: Tokens, tokenizer: PreTrainedTokenizerFast) -> Tokens:
    """The all-mask input of the same length: content tokens masked, special tokens kept.

    Its prediction is the base value b = p(T_mask, y) of the text (paper, equation 1).

    Raises:
        InputError: the tokenizer has no mask token.
    """
    mask = mask_id(tokenizer)
    structure = _structure(tokenizer)
    return Tokens(tuple(i if i in structure else mask for i in tokens.ids), tokens.types)


def mask_input(tokenizer: PreTrainedTokenizerFast, length: int, *, specials: bool) -> Tokens:
    """An input of `length` mask tokens, between special tokens or without any.

    Raises:
        InputError: the tokenizer has no mask token.
    """
    ids: list[int] = [mask_id(tokenizer)] * length
    if specials:
        before, after = around(tokenizer)
        ids = [*before, *ids, *after]
    has_types = "token_type_ids" in tokenizer.model_input_names
    return Tokens(tuple(ids), (0,) * len(ids) if has_types else None)


def around(tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], list[int]]:
    """Ids of the special tokens that a tokenizer puts before a text, and behind it."""
    [some] = tokenise(tokenizer, ["a"], None, 16)
    structure = _structure(tokenizer)
    inside = [i for i, own in enumerate(some.ids) if own not in structure] or [0]
    return list(some.ids[: inside[0]]), list(some.ids[inside[-1] + 1 :])


def _structure(tokenizer: PreTrainedTokenizerFast) -> set[int | None]:
    """Ids of what stands around texts and in none of them (core.models.plain_text)."""
    names = ("cls", "sep", "bos", "eos", "pad")
    return {getattr(tokenizer, f"{name}_token_id") for name in names}


def mask_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """Id of the mask token.

    Raises:
        InputError: there is none.
    """
    if tokenizer.mask_token_id is None:
        raise InputError(
            "the tokenizer has no mask token, which base values and the masked-input entropy need; "
            "choose an encoder pretrained with masking."
        )
    return int(tokenizer.mask_token_id)
