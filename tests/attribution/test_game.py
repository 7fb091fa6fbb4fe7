from __future__ import annotations

import numpy as np
import pytest

from core.attribution.game import games
from core.errors import InputError
from core.models.tokens import mask_content, prefix_of, tokenise

TEXTS = ["the cat sat", "", "zzz", "the mat on the mat " * 30]


@pytest.mark.parametrize("pairs", [False, True])
def test_games_hold_the_tokens_that_the_model_is_trained_on(classifier, pairs) -> None:
    others = ["a dog", "the cat", "", "ran"] if pairs else None
    found = games(classifier.tokenizer, TEXTS, others, 20)
    assert [g.tokens for g in found] == tokenise(classifier.tokenizer, TEXTS, others, 20)
    for i, game in enumerate(found):
        every = game.masked(np.array([[True] * game.size, [False] * game.size]))
        assert tuple(every[0]) == game.tokens.ids
        assert tuple(every[1]) == mask_content(game.tokens, classifier.tokenizer).ids
        specials = [j for j in range(len(game.tokens.ids)) if j not in game.players]
        assert all(game.pieces[j] == "" and game.words[j] == -1 for j in specials)
        kept = "".join(game.pieces[j] for j in game.players)
        whole = TEXTS[i] + (others[i] if others else "")
        assert kept == whole if i < 3 else set(kept) <= set(whole)
        assert len(game.tokens.ids) <= 20


def test_one_player_at_a_time_is_masked(classifier) -> None:
    [game] = games(classifier.tokenizer, ["the cat sat"], None, 20)
    for player in range(game.size):
        coalition = np.ones((1, game.size), dtype=bool)
        coalition[0, player] = False
        differs = game.masked(coalition)[0] != np.array(game.tokens.ids)
        assert np.flatnonzero(differs).tolist() == [game.players[player]]


def test_words_count_on_in_the_second_text(classifier) -> None:
    [game] = games(classifier.tokenizer, ["the cat"], ["a dog ran"], 20)
    numbers = [game.words[j] for j in game.players]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(5))


def test_a_tokenizer_without_a_mask_token_is_refused(classifier) -> None:
    classifier.tokenizer.mask_token = None
    with pytest.raises(InputError, match="no mask token"):
        games(classifier.tokenizer, ["the cat"], None, 20)


@pytest.mark.parametrize("pairs", [False, True])
def test_a_prefix_stands_before_each_text_and_plays_no_part(classifier, pairs) -> None:
    texts, others = ["the cat sat", "", "mat on"], ["dog ran", "the", ""] if pairs else None
    prefix = "ran dog "
    found = games(classifier.tokenizer, texts, others, 40, prefix)
    without = games(classifier.tokenizer, texts, others, 40)
    behind = games(
        classifier.tokenizer,
        [prefix + x for x in texts],
        [prefix + x for x in others] if others else None,
        40,
    )
    assert [g.tokens for g in found] == tokenise(classifier.tokenizer, texts, others, 40, prefix)
    for game, bare, plain in zip(found, without, behind, strict=True):
        assert game.tokens.ids == plain.tokens.ids and game.texts == bare.texts
        assert [game.pieces[i] for i in game.shown] == list(bare.pieces)
        assert [game.words[i] for i in game.shown] == list(bare.words)
        assert {game.words[i] for i in game.tokens.fixed} == {-1}
        nobody = game.masked(np.zeros((1, game.size), dtype=bool))[0]
        kept = np.array(game.tokens.ids) == nobody
        assert kept[list(game.tokens.fixed)].all() and not kept[game.players].any()
        assert mask_content(game.tokens, classifier.tokenizer).ids == tuple(nobody)
    assert found[1].size == (without[1].size if pairs else 0)
    [cut] = tokenise(classifier.tokenizer, ["the cat " * 9], None, 8, prefix)
    assert len(cut.ids) == 8 and prefix_of(cut) == [cut.ids[i] for i in cut.fixed]
