"""The game of a text: its content tokens are the players, its class probabilities the value.

A coalition keeps the ids of its members and replaces the other players' by the mask id. Special
tokens and those of the prefix stay, both texts of a pair play. Ids are masked, never strings: a
text that is detokenised and tokenised again is another text. (Paper, section 2.3 and equation 1.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from core.models.tokens import Tokens, encoding, mask_content, mask_id, tokens_of


@dataclass(frozen=True, eq=False)
class Game:
    """One text or pair as a cooperative game.

    Attributes:
        tokens: ids with special tokens, token types where the model has any.
        players: positions of the content tokens, ascending; none for an empty text.
        mask: id of the mask token.
        texts: the text, or the two of a pair.
        spans: of each token: number of its text, first character and the one after its last;
            None for special tokens and the prefix.
        words: number of each token's word within the text or pair; -1 for special tokens and the
            prefix.
    """

    tokens: Tokens
    players: np.ndarray
    mask: int
    texts: tuple[str, ...]
    spans: tuple[tuple[int, int, int] | None, ...]
    words: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def shown(self) -> np.ndarray:
        """Positions of all tokens but those of the prefix, special ones included."""
        return np.setdiff1d(np.arange(len(self.tokens.ids)), self.tokens.fixed).astype(int)

    @property
    def pieces(self) -> tuple[str, ...]:
        """What of the text each token stands for; empty for special tokens.

        Where spans overlap, as with a lone word boundary or several bytes of one character, the
        characters are the last token's. Blanks that a tokenizer drops go to the token behind them.
        """
        found, reached = [], [0] * len(self.texts)
        for span, after in zip(self.spans, [*self.spans[1:], None], strict=True):
            if span is None:
                found.append("")
                continue
            number, start, end = span
            if after is not None and after[0] == number:
                end = min(end, after[1])
            text = self.texts[number]
            if not text[reached[number] : start].strip():
                start = min(start, reached[number])
            reached[number] = max(reached[number], end)
            found.append(text[start:end])
        return tuple(found)

    def masked(self, coalitions: np.ndarray) -> np.ndarray:
        """Token ids of each coalition's input.

        Args:
            coalitions: m x players, True for the members.

        Returns:
            m x tokens.
        """
        ids = np.tile(np.asarray(self.tokens.ids, dtype=np.int64), (len(coalitions), 1))
        ids[:, self.players] = np.where(coalitions, ids[:, self.players], self.mask)
        return ids


def games(
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    texts_b: Sequence[str] | None,
    max_length: int,
    prefix: str = "",
) -> list[Game]:
    """The games of texts or pairs, truncated as `tokens.tokenise` truncates them.

    Args:
        prefix: as in the recipe.

    Raises:
        InputError: the tokenizer has no mask token.
    """
    mask = mask_id(tokenizer)
    if not texts:
        return []
    limit = min(max_length, tokenizer.model_max_length)
    encoded = encoding(tokenizer, texts, texts_b, limit, prefix, offsets=True)
    found = []
    for i in range(len(texts)):
        tokens = tokens_of(encoded, i, prefix)
        kept = np.asarray(tokens.ids) != np.asarray(mask_content(tokens, tokenizer).ids)
        own = (texts[i],) if texts_b is None else (texts[i], texts_b[i])
        spans, words = _spans(encoded, i, tokens.fixed, len(prefix))
        found.append(Game(tokens, np.flatnonzero(kept), mask, own, spans, words))
    return found


def _spans(
    encoded: Any, row: int, fixed: Sequence[int], before: int
) -> tuple[tuple[tuple[int, int, int] | None, ...], tuple[int, ...]]:
    """Span and word number of each token; the words of a second text count on.

    Args:
        fixed: positions of the prefix.
        before: its characters, which spans do not count.
    """
    offsets = encoded["offset_mapping"][row]
    sequence, word = list(encoded.sequence_ids(row)), encoded.word_ids(row)
    for position in fixed:
        sequence[position] = None
    numbers: tuple[list[int], list[int]] = ([], [])
    for w, s in zip(word, sequence, strict=True):
        if s is not None and w is not None:
            numbers[s].append(w)
    first, second = (min(found, default=0) if before else 0 for found in numbers)
    shift = (-first, max(numbers[0], default=first - 1) + 1 - first - second)
    spans, words = [], []
    for (start, end), s, w in zip(offsets, sequence, word, strict=True):
        spans.append(None if s is None else (s, max(0, start - before), end - before))
        words.append(-1 if s is None or w is None else w + shift[s])
    return tuple(spans), tuple(words)
