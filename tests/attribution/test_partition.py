from __future__ import annotations

import numpy as np
import pytest
import shap
import torch

from core.attribution.explain import explain
from core.attribution.game import games
from core.attribution.partition import tree
from core.models.classifier import Batch


class PairMasker(shap.maskers.Text):
    """shap's token masker for what it does not know: pairs, whose separator stays.

    Args:
        game: what is masked; texts given to the masker are ignored.
    """

    def __init__(self, tokenizer, game) -> None:
        super().__init__(tokenizer, collapse_mask_token=False, output_type="token_ids")
        self.game = game

    def token_segments(self, s):
        text = s.split("\t")
        segments = []
        spans = [*self.game.spans, None]
        for i, span in enumerate(self.game.spans):
            if span is None:
                inside = 0 < i < len(self.game.spans) - 1
                segments.append(self.tokenizer.sep_token if inside else "")
                continue
            number, start, end = span
            after = spans[i + 1]
            stop = max(end, after[1]) if after is not None and after[0] == number else end
            segments.append(text[number][start:stop])
        return segments, list(self.game.tokens.ids)

    def __call__(self, mask, s):
        mask = mask.copy()
        specials = np.ones(len(mask), dtype=bool)
        specials[self.game.players] = False
        mask[specials] = True
        return super().__call__(mask, s)


def stock(model, game, masker, text: str, evaluations: int, seed: int):
    """shap's PartitionExplainer on token ids, with seeded ties."""
    types = game.tokens.types

    def predict(inputs):
        ids = torch.tensor(np.array(list(inputs)).astype(np.int64))
        given = torch.tensor([types] * len(ids)) if types is not None else None
        with torch.no_grad():
            return model(Batch(ids, given, None)).logits.softmax(-1).numpy()

    explainer = shap.PartitionExplainer(predict, masker)
    np.random.seed(seed)
    return explainer([text], max_evals=evaluations, batch_size=5, silent=True)


@pytest.mark.parametrize("evaluations", [500, 40])
def test_single_texts_of_all_languages_equal_shap(tiny, texts, evaluations) -> None:
    chosen = texts["text"].to_pylist()[:: max(1, texts.num_rows // 12)]
    given = games(tiny.tokenizer, chosen, None, 48)
    found = dict(explain({"tiny": tiny}, given, "partition", evaluations, seed=3))
    masker = shap.maskers.Text(tiny.tokenizer, collapse_mask_token=False, output_type="token_ids")
    truncated = 0
    for i, (text, game) in enumerate(zip(chosen, given, strict=True)):
        theirs = stock(tiny, game, masker, text, evaluations, seed=3)
        ours = found[i]["tiny"]
        np.testing.assert_allclose(ours.values, theirs.values[0], atol=1e-10)
        np.testing.assert_allclose(ours.base, theirs.base_values[0], atol=1e-12)
        truncated += not np.allclose(ours.values.sum(0), ours.values[game.players].sum(0))
    assert (truncated > 0) == (evaluations == 40)


@pytest.mark.parametrize("evaluations", [500, 30])
def test_pairs_equal_shap(classifier, evaluations) -> None:
    firsts = ["the cat sat on the mat", "aaa bbb", "dog"]
    seconds = ["a dog ran", "the mat, the cat. c", "the cat ran on"]
    given = games(classifier.tokenizer, firsts, seconds, 64)
    found = dict(explain({"m": classifier}, given, "partition", evaluations, seed=1))
    for i, game in enumerate(given):
        masker = PairMasker(classifier.tokenizer, game)
        text = "\t".join(game.texts)
        theirs = stock(classifier, game, masker, text, evaluations, seed=1)
        np.testing.assert_allclose(found[i]["m"].values, theirs.values[0], atol=1e-10)


def test_the_tree_keeps_the_texts_of_a_pair_apart(classifier) -> None:
    [game] = games(classifier.tokenizer, ["the cat sat on"], ["mat dog"], 64)
    branches = tree(game, classifier.tokenizer.sep_token).astype(int)
    n = len(game.tokens.ids)
    members = {i: {i} for i in range(n)}
    for i, (left, right, *_) in enumerate(branches):
        members[n + i] = members[left] | members[right]
    first = {i for i, s in enumerate(game.spans) if s and s[0] == 0}
    second = {i for i, s in enumerate(game.spans) if s and s[0] == 1}
    mixed = [m for m in members.values() if m & first and m & second]
    assert all(m >= first and m >= second for m in mixed)
