"""What is read cross-fitted, against simulations and against plain SQL over the stored files."""

from __future__ import annotations

import itertools
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from core.measures import cumulative
from core.measures.cumulative import Differences
from core.results import attributions
from core.results.attribution_rows import Design, estimates, measures
from core.results.cross_fitted import Pair
from core.results.differences import Together
from tests.helpers.started import small_study

LANGUAGES, LABELS = ("de", "en", "fr", "es"), ("bad", "good")
SENTENCES, TOKENS, SPREAD, THRESHOLD = 12, 27, 0.05, 0.01
# As on the demo: two setups of one seed and two balanced models of different seeds.
WITH_SEED, WITHOUT = 0.87, 0.82
X = pd.DataFrame([[1.0, -1], [1, -1], [-1, 1], [-1, 1]], index=LANGUAGES, columns=LABELS) / 6
DESIGN = Design(X, pd.Series(0.25, index=LANGUAGES))
ROWS = pd.DataFrame(
    [
        {"row": f"{i}-{x}", "sentence": f"{i:03d}", "language": x, "label": "bad"}
        for i, x in itertools.product(range(SENTENCES), LANGUAGES)
    ]
)
GAIN = 0.02  # a text, of neutral tokens of over-represented languages
NEUTRAL = 0.158519  # share of values within the threshold: P(|N(0, .05)| <= .01)


@pytest.fixture
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variances over 200 draws do, and simulations stay within seconds."""
    times = np.random.default_rng(9).multinomial(SENTENCES, [1 / SENTENCES] * SENTENCES, 200)
    monkeypatch.setattr(cumulative, "draw_totals", lambda sums: times @ sums)


def simulated(rng: np.random.Generator, seeds: int, gain: float, shift: float) -> list[Pair]:
    """Values of balanced runs and of another setup's: what all share, noise of each seed (partly
    shared by its two runs, token by token and language by language), and what the setup does.

    Args:
        gain: a text, on tokens of over-represented languages that are neutral in the long run.
        shift: standard deviation of a seed's shift of all tokens of a language.
    """
    shape = (SENTENCES, len(LANGUAGES), len(LABELS), TOKENS)
    shared = (WITH_SEED - WITHOUT) / (1 - WITHOUT)  # of a seed's noise, between its two runs

    def noise(*size: int) -> tuple[np.ndarray, np.ndarray]:
        one, other = rng.normal(size=(2, seeds, *size))
        return one, shared * one + (1 - shared**2) ** 0.5 * other

    signal = WITHOUT**0.5 * rng.normal(size=shape)
    own = noise(*shape)
    of_language = noise(1, len(LANGUAGES), len(LABELS), 1)
    balanced, other = (
        SPREAD * (signal + (1 - WITHOUT) ** 0.5 * own[i]) + shift * of_language[i] for i in (0, 1)
    )
    over = (X.to_numpy() > 0)[:, :, None]
    # Each token gains alike, so that the neutral ones of a text gain `gain` whoever chooses them.
    other = other + over * gain / (TOKENS * NEUTRAL)
    runs = {f"b{i}": v for i, v in enumerate(balanced)} | {f"x{i}": v for i, v in enumerate(other)}
    cells = len(ROWS) * len(LABELS)
    zero = np.zeros((len(ROWS), len(LABELS)))
    together = Together(
        ROWS, LABELS, LANGUAGES, np.repeat(np.arange(cells), TOKENS),
        np.ones(cells * TOKENS, dtype=bool),
        {run: v.ravel() for run, v in runs.items()},
        dict.fromkeys(runs, zero),
        {run: v.sum(axis=-1).reshape(zero.shape) for run, v in runs.items()},
    )  # fmt: skip
    return [
        Pair(f"x{s}", "imbalanced", s, f"b{s}",
             tuple(f"b{r}" for r in range(seeds) if r != s), together, together)
        for s in range(seeds)
    ]  # fmt: skip


def circular(pairs: list[Pair]) -> Differences:
    """What was called "minus the null": less the next seed's balanced run, in the same groups."""
    pair = pairs[0]
    own = pair.as_in_the_paper(THRESHOLD)
    null = pair.own.differences(pair.reference, pair.choosers[0], THRESHOLD, [pair.reference])
    return Differences(
        own.rows, own.labels, own.languages, own.parts - null.parts, own.tokens,
        own.outputs - null.outputs,
    )  # fmt: skip


def side(differences: Differences, part: str, where: str) -> float:
    measured = measures(differences, DESIGN, draw=False)["sides"]
    return float(measured.drawn[0, measured.names.index(("bad", part, where))])


@pytest.mark.usefixtures("_few_draws")
def test_without_an_effect_cross_fitted_is_0_and_what_was_minus_the_null_is_not() -> None:
    rng = np.random.default_rng(0)
    own, less, crossed = [], [], []
    for _ in range(120):
        pairs = simulated(rng, 2, 0.0, 0.0)
        own.append(side(pairs[0].as_in_the_paper(THRESHOLD), "positive", "over"))
        less.append(side(circular(pairs), "positive", "over"))
        crossed.append([side(d, p, "over") for p in ("positive", "negative", "neutral")
                        for pair in pairs if (d := pair.crossed(THRESHOLD))])  # fmt: skip
    assert np.mean(own) == pytest.approx(-0.069, abs=0.003)
    assert np.mean(less) == pytest.approx(0.026, abs=0.003)
    error = np.std(crossed, axis=0) / 120**0.5
    assert (np.abs(np.mean(crossed, axis=0)) < 3.5 * error).all()
    assert error.max() < 0.002  # so that .026 would be seen


@pytest.mark.usefixtures("_few_draws")
@pytest.mark.parametrize(("seeds", "repetitions"), [(3, 200), (5, 120)])
def test_the_interval_covers_a_known_effect_and_rarely_finds_one_that_is_not_there(
    seeds, repetitions
) -> None:
    rng = np.random.default_rng(seeds)
    slope = GAIN / 2 / (1 / 6)  # half of the contrast of sides, over the deviation
    names = {
        "sides": {
            ("bad", "neutral", "over - under"): GAIN,
            ("good", "neutral", "over - under"): GAIN,
            ("bad", "neutral", "under"): 0.0,
            ("good", "neutral", "under"): 0.0,
        },
        "decomposition": {"neutral": slope},
    }
    covered, false = [], []
    for _ in range(repetitions):
        pairs = simulated(rng, seeds, GAIN, 0.004)
        found = [measures(d, DESIGN) for p in pairs if (d := p.crossed(THRESHOLD)) is not None]
        hits = []
        for kind, truths in names.items():
            estimated = estimates([one[kind] for one in found], same=True)
            for name, truth in truths.items():
                given = estimated[name]
                hits.append(given["low"] <= truth <= given["high"])
                if truth == 0:
                    false.append(given["p"] <= 0.05)
        covered.append(hits)
    rates = np.mean(covered, axis=0)
    assert rates.min() >= 0.9
    assert 0.93 <= rates.mean() <= 0.99
    assert 0.005 <= np.mean(false) <= 0.075


def test_a_document_is_what_plain_sql_over_the_files_gives(three_seeds: Path, monkeypatch) -> None:
    """No code shared with core but the names of runs: cells and the total, by hand."""
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(three_seeds))
    document = attributions.attributions(small_study(), threshold=0.01)
    runs = {(m.setup, m.seed): m.run for m in small_study().members}
    tables = {}
    for (setup, seed), run in runs.items():
        path = three_seeds / run / "attributions" / "gaussian_process-16@0.01" / "*.parquet"
        tables[setup, seed] = duckdb.sql(
            f"""SELECT row, class, language, base, output, unnest("values") AS s,
                       generate_subscripts("values", 1) AS at FROM '{path}'"""
        ).df().set_index(["row", "class", "language", "at"])  # fmt: skip
    draws, counts, balanced = [], [], []
    for s in range(3):
        moved = tables["imbalanced", s]["s"] - tables["balanced", s]["s"]
        for r in range(3):
            if r == s:
                continue
            chosen = tables["balanced", r]["s"] < -0.01
            cell = moved[chosen].xs(("negative", "fr"), level=("class", "language"))
            draws.append(cell.sum() / 3)  # texts a language
            counts.append(len(cell))
    for s, t in ((0, 1), (0, 2), (1, 2)):
        [r] = {0, 1, 2} - {s, t}
        moved = tables["balanced", t]["s"] - tables["balanced", s]["s"]
        chosen = tables["balanced", r]["s"] < -0.01
        balanced.append(moved[chosen].xs(("negative", "fr"), level=("class", "language")).sum() / 3)
    place = {"setup": "imbalanced", "label": "negative", "language": "fr", "group": "negative"}
    [row] = [r for r in document["over_seeds"]["rows"] if place.items() <= r.items()]
    assert min(counts) > 0
    assert row["crossed"] == pytest.approx(np.mean(draws), abs=1e-12)
    assert row["crossed_tokens"] == pytest.approx(np.mean(counts))
    assert row["between_balanced"] == pytest.approx(np.sqrt(np.mean(np.square(balanced))))
    assert document["cross_fitted"]["imbalanced"] == {"pairs": 6, "seeds": [0, 1, 2], "texts": 18}

    # Table 1a: shares 1 to 3 of three labels, in one group of languages in this order, in the
    # other in the reverse.
    x = {language: dict(zip(("negative", "neutral", "positive"), shares, strict=True))
         for group, shares in ((("fr", "es", "ja"), (-1 / 6, 0, 1 / 6)),
                               (("de", "en", "zh"), (1 / 6, 0, -1 / 6)))
         for language in group}  # fmt: skip
    slopes = []
    for s in range(3):
        outputs = [
            tables[setup, s].groupby(level=["language", "class", "row"])["output"].first()
            for setup in ("imbalanced", "balanced")
        ]
        change = (outputs[0] - outputs[1]).groupby(level=["language", "class"]).mean()
        slopes.append(
            sum(x[lang][label] * value for (lang, label), value in change.items())
            / sum(value**2 for cells in x.values() for value in cells.values())
        )
    parts = {r["part"]: r for r in document["over_seeds"]["decomposition"]
             if r["setup"] == "imbalanced"}  # fmt: skip
    assert parts["total"]["crossed"] == pytest.approx(np.mean(slopes), abs=1e-12)
    for kind in ("mean", "crossed"):
        added = sum(parts[p][kind] for p in ("positive", "negative", "neutral", "base"))
        assert added == pytest.approx(parts["total"][kind], abs=1e-9)


def test_parts_add_up_for_every_pair_of_seeds(three_seeds: Path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(three_seeds))
    document = attributions.attributions(small_study(), threshold=0.005)
    rows = pd.DataFrame(document["decomposition"])
    for value in ("mean", "crossed"):
        table = rows.pivot(index=["setup", "seed"], columns="part", values=value)
        assert len(table) == 6
        added = table[["positive", "negative", "neutral", "base"]].sum(axis=1)
        np.testing.assert_allclose(added, table["total"], atol=1e-9)
        np.testing.assert_allclose(table["unexplained"], 0, atol=1e-9)


def test_the_curve_is_the_neutral_part_at_each_threshold(three_seeds: Path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(three_seeds))
    rows = attributions.reliance_curve(small_study())
    assert {r["setup"] for r in rows} == {"imbalanced", "imbalanced+cw"}
    for threshold in (0.002, 0.01, 0.05):
        document = attributions.attributions(small_study(), threshold=threshold)
        for row in (r for r in rows if r["threshold"] == threshold):
            parts = {r["part"]: r for r in document["over_seeds"]["decomposition"]
                     if r["setup"] == row["setup"]}  # fmt: skip
            assert row["value"] == pytest.approx(parts["neutral"]["crossed"], abs=1e-12)
            assert row["ci"] == pytest.approx(parts["neutral"]["crossed_ci"])
            assert row["base"] == pytest.approx(parts["base"]["crossed"], abs=1e-12)
            assert row["total"] == pytest.approx(parts["total"]["crossed"], abs=1e-12)
            assert row["tokens"] + row["base"] == pytest.approx(row["total"], abs=1e-9)
            assert row["n_seeds"] == 3 and row["cross_fitted"] and row["n_texts"] == 18
    shares = [r["neutral_share_of_tokens"] for r in rows if r["setup"] == "imbalanced"]
    assert shares == sorted(shares) and 0 <= shares[0] < shares[-1] <= 1


def test_without_attributions_there_is_no_curve(done) -> None:
    assert attributions.reliance_curve(small_study()) == []


def test_one_seed_is_read_by_the_other_balanced_run_and_has_no_verdict(explained, monkeypatch):
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
    document = attributions.attributions(small_study())
    assert {r["setup"] for r in document["rows"]} == {"imbalanced", "imbalanced+cw"}
    assert document["cross_fitted"]["imbalanced"] == {"pairs": 1, "seeds": [0], "texts": 18}
    assert document["over_seeds"] == {"rows": [], "sides": [], "decomposition": []}
    for row in document["rows"]:
        assert row["between_balanced"] is None
        assert row["crossed_ci"][0] <= row["crossed"] <= row["crossed_ci"][1]
    rows = attributions.reliance_curve(small_study())
    assert {(r["n_seeds"], r["cross_fitted"]) for r in rows} == {(1, True)}


def test_texts_of_a_label_alone_are_the_other_reading(explained, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
    document = attributions.attributions(small_study(), texts="label")
    assert document["decomposition"] == [] and document["counted"] == "label"
    runs = {(m.setup, m.seed): m.run for m in small_study().members}
    tables = [
        duckdb.sql(
            f"""SELECT row, base FROM '{explained}/{run}/attributions/*/*.parquet'
                WHERE class = 'negative' AND label = 'negative' AND language = 'ja'"""
        ).df().set_index("row")["base"]
        for run in (runs["imbalanced", 0], runs["balanced", 0])
    ]  # fmt: skip
    place = {"setup": "imbalanced", "label": "negative", "language": "ja", "group": "base"}
    [row] = [r for r in document["rows"] if place.items() <= r.items()]
    assert row["n_texts"] == len(tables[0]) == 1
    assert row["mean"] == pytest.approx((tables[0] - tables[1]).mean(), abs=1e-12)
    with pytest.raises(attributions.InputError, match="texts is 'both'; expected 'all' or 'label'"):
        attributions.attributions(small_study(), texts="both")
