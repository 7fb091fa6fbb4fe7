"""Texts as token ids, and what masks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from transformers import (
    PreTrainedTokenizerFast,
)

from core.errors import InputError
from core.models.plain_text import reader


class Tokens(NamedTuple):
    """One encoded text or pair: ids with special tokens, token types where the model has any.

    `fixed` are the positions of the prefix, of both texts of a pair: they are no content.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...] | None
    fixed: tuple[int, ...] = ()


def tokenise(
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    texts_b: Sequence[str] | None,
    max_length: int,
    prefix: str = "",
) -> list[Tokens]:
    """Encode texts or pairs, truncated to `max_length` tokens (the longer of a pair first).

    Names of special tokens in a text are text (core.models.plain_text).

    Args:
        prefix: as in the recipe.
    """
    encoded = encoding(tokenizer, texts, texts_b, max_length, prefix, offsets=bool(prefix))
    return [tokens_of(encoded, i, prefix) for i in range(len(encoded["input_ids"]))]


def encoding(
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    texts_b: Sequence[str] | None,
    max_length: int,
    prefix: str,
    *,
    offsets: bool,
) -> Any:
    """What transformers makes of texts or pairs, each text behind the prefix.

    Args:
        offsets: also which characters, those of the prefix counted, each token stands for.
    """
    return reader(tokenizer)(
        [prefix + text for text in texts],
        [prefix + text for text in texts_b] if texts_b is not None else None,
        truncation=True,
        max_length=max_length,
        return_offsets_mapping=offsets,
    )


def tokens_of(encoded: Any, row: int, prefix: str) -> Tokens:
    """A text or pair out of `encoding`, which with a prefix must have offsets.

    A token that has characters of the prefix and of the text is the text's.
    """
    types = encoded.get("token_type_ids")
    fixed: tuple[int, ...] = ()
    if prefix:
        spans = zip(encoded["offset_mapping"][row], encoded.sequence_ids(row), strict=True)
        fixed = tuple(
            i
            for i, ((_, end), number) in enumerate(spans)
            if number is not None and end <= len(prefix)
        )
    return Tokens(
        tuple(encoded["input_ids"][row]), tuple(types[row]) if types is not None else None, fixed
    )


def mask_content(tokens: Tokens, tokenizer: PreTrainedTokenizerFast) -> Tokens:
    """The all-mask input of the same length: content tokens masked, special tokens and prefix kept.

    Its prediction is the base value b = p(T_mask, y) of the text (paper, equation 1).

    Raises:
        InputError: the tokenizer has no mask token.
    """
    mask = mask_id(tokenizer)
    structure = _structure(tokenizer)
    fixed = set(tokens.fixed)
    ids = (own if own in structure or i in fixed else mask for i, own in enumerate(tokens.ids))
    return tokens._replace(ids=tuple(ids))


def mask_input(
    tokenizer: PreTrainedTokenizerFast, length: int, *, specials: bool, prefix: Sequence[int] = ()
) -> Tokens:
    """An input of `length` mask tokens, between special tokens or without any.

    Args:
        prefix: ids of the prefix, from `prefix_of`; only where there are special tokens.

    Raises:
        InputError: the tokenizer has no mask token.
    """
    ids: list[int] = [mask_id(tokenizer)] * length
    if specials:
        before, after = around(tokenizer)
        ids = [*before, *prefix, *ids, *after]
    has_types = "token_type_ids" in tokenizer.model_input_names
    return Tokens(tuple(ids), (0,) * len(ids) if has_types else None)


def prefix_of(tokens: Tokens) -> list[int]:
    """Ids of the prefix as it stands before a text, or the first of a pair."""
    first = tokens.fixed[:1]
    return [tokens.ids[p] for i, p in enumerate(tokens.fixed) if p == first[0] + i]


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
