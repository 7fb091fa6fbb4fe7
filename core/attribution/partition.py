"""The paper's method: recursive Owen values over a tree of neighbouring tokens.

The same values, in the same order of evaluation and under the same budget, as shap's
PartitionExplainer on token ids with shap's own tree (shap 0.51, `maskers.Text.clustering`), which
tests and a benchmark hold it to. What differs is how it asks: coalitions of many texts and models
together, and none twice. Owen values (Owen, Values of games with a priori unions, 1977) are Shapley
values under the rule that a branch of the tree joins as one; where the budget ends before the
leaves, a branch's value is shared equally by its tokens. They are another target than the Shapley
values of the other methods: benchmarks/attribution.py holds each to its own.

shap's tree knows the Latin alphabet and English punctuation only (facts of its source): languages
and scripts are not treated alike. For comparing languages prefer `gaussian_process`.
"""

from __future__ import annotations

import heapq
import re

import numpy as np

from core.attribution.estimate import Asking, Estimate, ends
from core.attribution.game import Game

BATCH = 5  # shap's default for texts; where the budget cuts a text, values depend on it


def tree(game: Game, separator: str) -> np.ndarray:
    """shap's tree over all tokens of the input but the prefix, special tokens included.

    Args:
        separator: text of the separator token, which keeps the two texts of a pair apart.

    Returns:
        (tokens - 1) x 4 in the layout of scipy's linkage: left and right branch, height, number of
        tokens. Heights are not used.
    """
    from shap.maskers._text import partition_tree

    segments = _segments(game, separator)
    ends_in_symbol, starts_with_letter = re.compile(r"^.*\W$"), re.compile(r"^[A-Za-z]")
    marked: list[str] = []
    for i, segment in enumerate(segments):
        inside_word = (
            i > 0
            and ends_in_symbol.match(segments[i - 1]) is None
            and starts_with_letter.match(segment) is not None
            and marked[i - 1] != ""
        )
        marked.append(("##" if inside_word else "") + segment.strip())
    found: np.ndarray = partition_tree(marked, [separator])
    return found


def partition(game: Game, branches: np.ndarray, evaluations: int = 500, seed: int = 0) -> Asking:
    """Owen values of all tokens but the prefix, special ones included.

    Special tokens gain nothing, but where the budget ends early they get their share of a branch.

    Args:
        branches: from `tree`. The order of evaluation follows the model's outputs.
        evaluations: shap's max_evals: inputs that may be asked for, duplicates counted.
        seed: of the random numbers that break ties in the order.
    """
    answers = yield ends(game.size)
    n = len(game.shown)
    players = np.searchsorted(game.shown, game.players)
    nobody, everybody = answers
    credit = np.zeros((2 * n - 1, len(nobody)))
    members = _members(branches, n)
    random = np.random.RandomState(seed)
    first = (0.0, 0.0, (np.zeros(n, dtype=bool), nobody, everybody, 2 * n - 2, 1.0))
    waiting: list[tuple[float, float, tuple]] = [first]
    asked, limit = 0, evaluations - 2
    while waiting:
        if asked >= limit:
            for *_, (_, low, high, node, weight) in waiting:
                credit[node] += (high - low) * weight
            break
        batch: list[tuple] = []
        coalitions: list[np.ndarray] = []
        while waiting and len(coalitions) < BATCH and asked + len(coalitions) < limit:
            context, low, high, node, weight = heapq.heappop(waiting)[2]
            if node < n:
                credit[node] += (high - low) * weight
                continue
            left, right = (int(x) for x in branches[node - n, :2])
            with_left, with_right = context | members[left], context | members[right]
            batch.append((context, with_left, with_right, low, high, left, right, weight / 2))
            coalitions += [with_left, with_right]
        if not batch:
            continue
        answers = yield np.array(coalitions)[:, players]
        asked += len(coalitions)
        for i, (context, with_left, with_right, low, high, left, right, weight) in enumerate(batch):
            left_only, right_only = answers[2 * i], answers[2 * i + 1]
            # Each branch joins once before and once after its sibling.
            for joined, start, end, node in (
                (context, low, left_only, left),
                (context, low, right_only, right),
                (with_right, right_only, high, left),
                (with_left, left_only, high, right),
            ):
                urgency = float(-np.max(np.abs(end - start)) * weight)
                work = (joined, start, end, node, weight)
                heapq.heappush(waiting, (urgency, random.randn(), work))
    return Estimate(_to_leaves(credit, branches, n))


def _to_leaves(credit: np.ndarray, branches: np.ndarray, n: int) -> np.ndarray:
    """Share what stayed at a branch equally among its tokens."""
    for node in range(2 * n - 2, n - 1, -1):
        own_size = branches[node - n, 3]
        for child in (int(x) for x in branches[node - n, :2]):
            size = branches[child - n, 3] if child >= n else 1
            credit[child] += credit[node] * size / own_size
    return credit[:n]


def _members(branches: np.ndarray, n: int) -> np.ndarray:
    """Tokens below each node, leaves first (2n - 1 x n)."""
    members = np.zeros((2 * n - 1, n), dtype=bool)
    members[:n] = np.eye(n, dtype=bool)
    for i, (left, right) in enumerate(branches[:, :2].astype(int)):
        members[n + i] = members[left] | members[right]
    return members


def _segments(game: Game, separator: str) -> list[str]:
    """Each token's text up to the next token of the same text, as shap cuts it."""
    own = [game.spans[i] for i in game.shown]
    spans = [*own, None]
    segments = []
    for i, span in enumerate(own):
        after = spans[i + 1]
        if span is None:
            between = 0 < i < len(own) - 1
            lead = game.texts[after[0]][: after[1]] if after is not None else ""
            segments.append(separator if between else lead)
        else:
            number, start, end = span
            if after is not None and after[0] == number:
                end = max(end, after[1])
            segments.append(game.texts[number][start:end])
    return segments
