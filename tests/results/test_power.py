from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.cli import comparison_text
from core.measures.comparison import Spread
from core.measures.intervals import seeds_and_sentences
from core.measures.power import Sources, detectable, seeds_needed, sources
from core.measures.power import power as power_of
from core.results import power, study_results
from tests.helpers.started import small_study

SOURCES = st.builds(
    Sources,
    st.floats(1e-6, 1e-3),
    st.one_of(st.just(0.0), st.floats(1e-7, 1e-3)),
    st.one_of(st.just(0.0), st.floats(1e-7, 1e-3)),
)


@given(st.integers(3, 30), st.floats(0, 3), st.sampled_from([0.05, 0.05 / 3]))
@hypothesis_settings(max_examples=50)
def test_over_seeds_alone_it_is_the_noncentral_t_distributions(seeds, effect, alpha) -> None:
    critical = scipy.stats.t.ppf(1 - alpha / 2, seeds - 1)
    ncp = effect * seeds**0.5
    t = scipy.stats.nct(seeds - 1, ncp)
    oracle = t.sf(critical) + t.cdf(-critical)
    assume(np.isfinite(oracle))  # scipy's has no value far from the middle
    assert power_of(effect, seeds, Sources(1.0, 0.0, 0.0), alpha) == pytest.approx(oracle, abs=2e-3)


@pytest.mark.parametrize(
    ("of", "effect"),
    [(Sources(0.02**2, 0.006**2, 0.008**2), 0.03), (Sources(0.005**2, 0.01**2, 0.006**2), 0.04)],
)
def test_at_the_seeds_it_names_the_power_is_what_it_says(of, effect) -> None:
    """Studies simulated with the components of variance, tested as comparisons are."""
    seeds = seeds_needed(effect, of)
    rng, studies = np.random.default_rng(0), 4000
    values = (
        effect
        + rng.normal(0, of.seed**0.5, (seeds, studies))
        + rng.normal(0, of.sentence**0.5, studies)
        + rng.normal(0, of.both**0.5, (seeds, studies))
    )
    # A bootstrap would draw around the mean with this variance.
    known = (of.sentence + of.both / seeds) ** 0.5
    drawn = np.array([[-1.0], [1.0]]) * known / 2**0.5 + values.mean(axis=0)
    found = np.mean(seeds_and_sentences(values, drawn).p <= 0.05)
    expected = power_of(effect, seeds, of)
    assert found == pytest.approx(expected, abs=3 * (0.8 * 0.2 / studies) ** 0.5)
    assert expected >= 0.8
    assert seeds == 3 or power_of(effect, seeds - 1, of) < 0.8


@given(SOURCES, st.integers(3, 40), st.floats(0.001, 0.2), st.floats(1.05, 2))
@hypothesis_settings(max_examples=40)
def test_power_grows_with_effect_seeds_and_sentences(of, seeds, effect, factor) -> None:
    here = power_of(effect, seeds, of)
    tiny = 1e-9
    assert 0 <= here <= 1 + tiny
    assert power_of(effect * factor, seeds, of) >= here - tiny
    assert power_of(effect, seeds, of, alpha=0.01) <= here + tiny
    assert power_of(-effect, seeds, of) == pytest.approx(here)
    found = detectable(seeds, of)
    assert power_of(found, seeds, of) == pytest.approx(0.8, abs=1e-3)
    assert detectable(seeds + 1, of) <= found * (1 + 1e-6)
    assert detectable(seeds, of.on(factor)) <= found * (1 + 1e-6)
    needed, more = seeds_needed(effect, of), seeds_needed(effect * factor, of)
    assert needed is None or (more is not None and more <= needed)


def test_below_three_seeds_nothing_is_seen_and_too_few_sentences_are_said() -> None:
    of = Sources(1e-4, 0.02**2, 0.0)
    assert power_of(1.0, 2, of) == 0 and detectable(2, of) is None
    assert seeds_needed(0.03, of) is None
    assert seeds_needed(0.03, of.on(20)) is not None


def test_the_components_are_those_of_a_simulated_study() -> None:
    truth, n, seeds = Sources(0.03**2, 0.02**2, 0.015**2), 100, 4
    rng, found = np.random.default_rng(0), []
    for _ in range(300):
        of_sentence = rng.normal(0, (truth.sentence * n) ** 0.5, n)
        both = rng.normal(0, (truth.both * n) ** 0.5, (seeds, n))
        rows = rng.normal(0, truth.seed**0.5, (seeds, 1)) + of_sentence + both
        spread = Spread(
            rows.mean(axis=1).std(ddof=1),
            (rows.mean(axis=0).var(ddof=1) / n) ** 0.5,
            (rows.var(axis=1, ddof=1).mean() / n) ** 0.5,
        )
        found.append(sources(spread, seeds))
    assert np.mean(found, axis=0) == pytest.approx(np.array(truth), rel=0.12)


def test_a_guide_says_what_seeds_see_and_what_they_do_not() -> None:
    known = dict.fromkeys(("accuracy", "skew_uptake", "neutral_tokens"), Sources(1e-4, 2e-5, 1e-5))
    one, three = (power.guide(known, "x", seeds, 3) for seeds in (1, 3))
    assert [r["measure"] for r in three["rows"]] == [
        "accuracy", "accuracy", "skew_uptake", "neutral_tokens"
    ]  # fmt: skip
    for row in three["rows"]:
        assert row["seeds_needed"] <= row["seeds_needed_holm"]
        assert row["detectable"] < row["detectable_holm"]
    assert "With 1 seed there is no verdict" in power.reading(one)
    assert set(power.table(one)["seen with 1 seed"]) == {"no verdict"}
    assert f"±{three['rows'][0]['detectable']:.3f} is found" in power.reading(three)
    larger = power.guide(known, "x", 3, 3, times=4)
    assert larger["rows"][0]["detectable"] < three["rows"][0]["detectable"]
    assert larger["rows"][-1] == three["rows"][-1]  # tokens: of the texts that are explained
    assert power.guide({}, "x", 3, 3)["rows"] == []
    assert (
        power.reading(power.guide({}, "x", 3, 3)) == ""
        and power.table(power.guide({}, "x", 3, 3)).empty
    )


def test_a_study_of_one_seed_says_nothing_of_seeds(done) -> None:
    assert power.for_study(study_results.summary(small_study())) is None
    assert "no two setups with 3 seeds" in comparison_text.power_text(small_study())


def test_what_is_shipped_is_of_measures_that_are_asked_for() -> None:
    assert {"accuracy", "skew_uptake", "language_effect"} <= set(power.SHIPPED)
    assert set(power.SHIPPED) <= {measure for measure, *_ in power.EFFECTS}
    for of in power.SHIPPED.values():
        assert all(x >= 0 for x in of) and sum(of) > 0


def test_token_differences_vary_over_seeds_and_texts(monkeypatch) -> None:
    def row(seed: int, mean: float, **more: str) -> dict:
        cell = {"setup": "imbalanced", "label": "x", "group": "neutral", "side": "over - under"}
        interval = [mean - 0.0196, mean + 0.0196]
        own = {"mean": 9.0 * seed, "ci": [0.0, 9.0]}  # not asked for
        return {"seed": seed, **own, "crossed": mean, "crossed_ci": interval, **cell, **more}

    rows = [row(0, 0.1), row(1, 0.2), row(2, 0.3), row(3, 9.0, group="base")]
    rows += [row(4, 9.0, setup="balanced"), row(0, 9.0, setup="imbalanced+cw")]
    monkeypatch.setattr(power.references, "available", lambda name: True)
    monkeypatch.setattr(power.references, "references", lambda name: ["balanced"])
    monkeypatch.setattr(power.thresholds, "attributions", lambda name: {"sides": rows})
    assert power.of_tokens("x") == pytest.approx((0.01, 0.0001, 0.0))
    monkeypatch.setattr(power.thresholds, "attributions", lambda name: {"sides": rows[:2]})
    assert power.of_tokens("x") is None
