from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.attribution import kernel
from core.attribution.coalitions import design
from core.attribution.exact import exact
from core.attribution.gaussian_process import gaussian_process
from core.attribution.permutation import permutation
from tests.helpers.games import additive, by_definition, random_game, run

WEIGHTS = np.random.default_rng(5).normal(size=(9, 3)) / 10


@settings(max_examples=20)
@given(players=st.integers(0, 5), seed=st.integers(0, 999))
def test_enumeration_is_the_mean_over_all_orders(players, seed) -> None:
    play = random_game(players, 2, seed)
    found, asked = run(exact(players), play)
    assert asked == 2**players
    np.testing.assert_allclose(found.values, by_definition(play, players), atol=1e-12)


def test_enumeration_refuses_what_it_cannot_finish() -> None:
    with pytest.raises(ValueError, match="17 players have 131072 coalitions"):
        next(exact(17))


@pytest.mark.parametrize("method", [gaussian_process, permutation])
@settings(max_examples=25)
@given(players=st.integers(0, 14), budget=st.integers(1, 8), seed=st.integers(0, 999))
def test_values_add_up_within_the_budget(method, players, budget, seed) -> None:
    play = random_game(players, 4, seed)
    found, asked = run(method(players, budget * players), play)
    nobody, everybody = play(np.array([[False] * players, [True] * players]))
    assert found.values.shape == (players, 4)
    np.testing.assert_allclose(found.values.sum(axis=0), everybody - nobody, atol=1e-12)
    # The least that each needs: the ends, and one pair of orders or one coalition.
    assert asked <= max(budget * players, 2 * players if method is permutation else 4, 2)


@pytest.mark.parametrize("method", [exact, lambda n: permutation(n, 2 * n)])
def test_additive_games_are_solved_exactly(method) -> None:
    found, _ = run(method(9), additive(WEIGHTS))
    np.testing.assert_allclose(found.values, WEIGHTS, atol=1e-12)


def test_the_gaussian_process_solves_additive_games_at_four_a_player() -> None:
    found, _ = run(gaussian_process(9, 36), additive(WEIGHTS))
    assert np.abs(found.values - WEIGHTS).max() < 0.02 * np.abs(WEIGHTS).mean()


def test_two_who_only_act_together_share_alike() -> None:
    def play(coalitions: np.ndarray) -> np.ndarray:
        return (coalitions[:, 2] & coalitions[:, 6]).astype(float)[:, None]

    expected = np.zeros((12, 1))
    expected[[2, 6]] = 0.5
    for method in (exact(12), permutation(12, 48)):
        found, _ = run(method, play)
        np.testing.assert_allclose(found.values, expected, atol=1e-12)
    found, _ = run(gaussian_process(12, 48), play)
    np.testing.assert_allclose(found.values, expected, atol=0.01)


def test_players_alike_in_the_game_get_alike() -> None:
    def majority(coalitions: np.ndarray) -> np.ndarray:
        return (coalitions.sum(axis=1) > 5).astype(float)[:, None]

    def most_of_them(coalitions: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(5.5 - coalitions.sum(axis=1)))[:, None]

    found, _ = run(exact(10), majority)
    np.testing.assert_allclose(found.values, 0.1, atol=1e-12)
    found, _ = run(gaussian_process(10, 160), majority)
    assert np.abs(found.values - 0.1).mean() < 0.02
    truth, _ = run(exact(10), most_of_them)
    found, _ = run(gaussian_process(10, 80), most_of_them)
    assert np.abs(found.values - truth.values).mean() < 0.01


def test_permutations_are_unbiased_and_know_their_error() -> None:
    play = random_game(8, 3, 1)
    truth = run(exact(8), play)[0].values
    runs = [run(permutation(8, 60, seed), play)[0] for seed in range(200)]
    values = np.array([r.values for r in runs])
    spread = values.std(axis=0, ddof=1)
    assert (np.abs(values.mean(axis=0) - truth) < 4.5 * spread / 200**0.5).all()
    stated = np.sqrt(np.mean([r.errors**2 for r in runs], axis=0))
    np.testing.assert_allclose(stated, spread, rtol=0.25)
    assert (run(permutation(8, 60, 3), play)[0].values == values[3]).all()


def test_the_gaussian_process_errs_less_than_permutations_and_less_the_more_it_asks() -> None:
    errors: dict[str, list[float]] = {"2": [], "4": [], "8": [], "permutations": []}
    for seed in range(10):
        play = random_game(12, 3, seed)
        truth = run(exact(12), play)[0].values
        for budget in (2, 4, 8):
            found, _ = run(gaussian_process(12, budget * 12), play)
            errors[str(budget)].append(np.abs(found.values - truth).mean())
        found, _ = run(permutation(12, 48, seed), play)
        errors["permutations"].append(np.abs(found.values - truth).mean())
    mean = {name: np.mean(values) for name, values in errors.items()}
    assert mean["2"] > mean["4"] > mean["8"]
    assert mean["permutations"] > 1.5 * mean["4"]


def test_standard_errors_of_the_gaussian_process_cover() -> None:
    inside = []
    for seed in range(20):
        play = random_game(11, 3, seed)
        truth = run(exact(11), play)[0].values
        found, _ = run(gaussian_process(11, 44), play)
        inside.append(np.abs(found.values - truth) < 1.645 * found.errors)
    assert 0.75 < np.mean(inside) < 0.99


def test_it_stops_at_its_tolerance() -> None:
    play = additive(np.full((12, 1), 0.01))
    _, asked_all = run(gaussian_process(12, 240), play)
    found, asked = run(gaussian_process(12, 240, tolerance=0.01), play)
    assert asked < asked_all == 240
    assert np.sqrt((found.errors**2).mean()) <= 0.01


def test_stopped_values_are_as_good_as_they_say() -> None:
    inside, squares, stated, asked_of_all = [], [], [], set()
    for seed in range(40):
        players = 9 + seed % 4
        play = random_game(players, 3, seed)
        truth = run(exact(players), play)[0].values
        found, asked = run(gaussian_process(players, 16 * players, tolerance=0.015), play)
        asked_of_all.add(asked / players)
        inside.append((np.abs(found.values - truth) < 1.96 * found.errors).ravel())
        squares.append(((found.values - truth) ** 2).ravel())
        stated.append((found.errors**2).ravel())
    assert 0.90 < np.concatenate(inside).mean() < 0.985
    error, said = (np.sqrt(np.concatenate(x).mean()) for x in (squares, stated))
    assert said <= 0.0155
    assert 0.8 < error / said < 1.2
    assert max(asked_of_all) > 1.5 * min(asked_of_all)  # more where the error is


def test_a_tolerance_asks_no_more_than_the_budget_and_goes_on_where_it_was() -> None:
    play = random_game(12, 3, 0)
    asked: list[np.ndarray] = []

    def noted(coalitions: np.ndarray) -> np.ndarray:
        asked.append(coalitions)
        return play(coalitions)

    found, n = run(gaussian_process(12, 96, tolerance=1e-9), noted)
    assert n <= 96
    assert len(asked) > 3
    assert len({row.tobytes() for row in np.concatenate(asked)}) == n
    whole, _ = run(gaussian_process(12, 96), play)
    np.testing.assert_array_equal(found.values, whole.values)


def test_the_kernel_is_that_of_random_odd_games() -> None:
    # Cov(c_S) = prod t / n over odd S, by enumeration.
    players, rng = 5, np.random.default_rng(2)
    t = rng.uniform(0.1, 0.9, players)
    subsets = [s for s in range(2**players) if s.bit_count() % 2]
    member = np.array([[s >> j & 1 for j in range(players)] for s in subsets], dtype=bool)
    variance = np.where(member, t, 1.0).prod(axis=1)
    n = variance.sum()
    x = rng.choice([-1.0, 1.0], size=(7, players))
    walsh = np.where(member[None], x[:, None, :], 1.0).prod(axis=2)
    np.testing.assert_allclose(
        kernel.covariance(x, x, t), walsh @ np.diag(variance / n) @ walsh.T, atol=1e-12
    )
    to_phi = 2 * member.T / member.sum(axis=1)
    np.testing.assert_allclose(
        kernel.shapley_covariance(x, t), to_phi @ np.diag(variance / n) @ walsh.T, atol=1e-10
    )
    np.testing.assert_allclose(kernel.shapley_variance(t), (to_phi**2 @ (variance / n)), atol=1e-10)


def test_a_design_goes_on_where_it_was() -> None:
    for players in (9, 130):
        first, more = design(players, players, 4 * players), design(players, 4 * players)
        assert (more[: len(first)] == first).all()
        assert (design(players, 2 * players, 4 * players) == more[: 2 * players]).all()


@pytest.mark.parametrize("players", [2, 3, 5, 24, 130])
def test_designs_are_nested_and_ask_nothing_twice(players) -> None:
    large, small = design(players, 3 * players), design(players, players)
    assert set(np.unique(large)) == {-1.0, 1.0}
    whole = {row.tobytes() for row in np.concatenate([large, -large])}
    assert len(whole) == 2 * len(large)
    assert np.ones(players).tobytes() not in whole
    if players < 96:
        assert (large[: len(small)] == small).all()
    if players > 5:
        assert len(large) == 3 * players
