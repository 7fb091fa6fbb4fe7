"""The paper's numbers are those of paper.md, and a study is read against them as they stand."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from core.measures.accuracy import wilson
from core.measures.intervals import seeds_and_sentences
from core.measures.predictions import Predictions
from core.paper import published as paper
from core.paper import reasons as paper_reasons
from core.paper import tables as paper_tables
from core.paper.measured import Measured, measured, over_runs, share_totals
from core.paper.measured import done as finished
from core.paper.verdicts import (
    AGREES,
    CANNOT,
    DISAGREES,
    MARGINS,
    NO_VERDICT,
    Ours,
    changes,
    close,
    direction,
    levels,
    size,
    written,
)
from core.results import study_results
from core.sampling.designs import design_shares
from tests.helpers.started import small_study

SOURCE = Path(__file__).parents[3] / "shared" / "paper.md"


def tables(heading: str) -> list[list[list[str]]]:
    """The tables below a heading of paper.md, as rows of cells."""
    if not SOURCE.exists():
        pytest.skip(f"the paper's numbers are not at {SOURCE}")
    text = SOURCE.read_text(encoding="utf-8")
    section = re.split(r"^## ", text.split(f"## {heading}", 1)[1], flags=re.M)[0]
    found: list[list[list[str]]] = [[]]
    for line in section.splitlines():
        if line.startswith("|") and "---" not in line:
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1] and not line.startswith("|"):
            found.append([])
    return [table for table in found if table]


@pytest.mark.parametrize(
    ("heading", "ours"), [("Table 1:", "TRAINING_SHARES"), ("Table 2:", "PREDICTED")]
)
def test_shares_are_those_of_tables_1_and_2(heading, ours) -> None:
    found = {table[0][0]: table for table in tables(heading)}
    assert set(found) == set(paper.CORPORA)
    for corpus, (first, *rows) in found.items():
        assert tuple(first[1:]) == paper.LABELS[corpus]
        printed = {frozenset(re.split(r"[, ]+", r[0])): tuple(map(float, r[1:])) for r in rows}
        groups = map(frozenset, paper.GROUPS[corpus])
        assert printed == dict(zip(groups, getattr(paper, ours)[corpus], strict=True))


def test_accuracies_are_those_of_tables_3_and_6() -> None:
    ((head, *rows),) = tables("Tables 3 and 6")
    assert [r[0] for r in rows] == ["balanced", "imbalanced", "imbalanced + class weights"]
    columns = {tuple(name.split()): i for i, name in enumerate(head) if i}
    assert set(columns) == set(paper.ACCURACY)
    for key, i in columns.items():
        assert tuple(float(r[i]) for r in rows) == paper.ACCURACY[key]


def test_probes_are_those_of_tables_4_and_7() -> None:
    ((head, *rows),) = tables("Tables 4 and 7")
    assert head[1:] == [
        "mBERT original", "mBERT Wikipedia", "XLM-R original", "XLM-R Wikipedia"
    ]  # fmt: skip
    for i, name in enumerate(head[1:], start=1):
        encoder, texts = name.split()
        ours = {"original": paper.ORIGINAL, "Wikipedia": paper.WIKIPEDIA}[texts]
        for corpus in paper.CORPORA:
            printed = tuple(float(r[i]) for r in rows if r[0].startswith(f"{corpus},"))
            assert printed == ours[encoder, corpus]


def test_rows_are_those_of_table_5() -> None:
    ((head, *rows),) = tables("Table 5")
    for i, corpus in enumerate(head[1:], start=1):
        printed = {r[0]: round(float(r[i].removesuffix("k")) * 1000) for r in rows}
        assert printed == paper.ROWS[corpus]


@pytest.mark.parametrize("corpus", paper.CORPORA)
def test_the_linear_design_is_table_1(corpus) -> None:
    languages = [x for group in paper.GROUPS[corpus] for x in group]
    design = design_shares("linear", languages, paper.LABELS[corpus], paper.GROUPS[corpus])
    within = 100 * design.div(design.sum(axis=1), axis=0)
    for group, printed in zip(paper.GROUPS[corpus], paper.TRAINING_SHARES[corpus], strict=True):
        for language in group:
            assert within.loc[language].tolist() == pytest.approx(printed, abs=0.07)


def test_the_uptake_derived_from_its_tables() -> None:
    assert round(paper.uptake("amazon"), 2) == 0.36
    assert round(paper.uptake("xnli"), 2) == 0.34


def test_contrary_numbers_are_contrary() -> None:
    expected = {("imbalanced+cw", "imbalanced"): -1, ("imbalanced+cw", "balanced"): 1}
    for found in paper.CONTRARY:
        values = paper.ORIGINAL[found.encoder, found.corpus]
        of = dict(zip(paper.SETUPS, values, strict=True))
        a, b = (of[setup] for setup in found.change)
        assert (a - b) * expected[found.change] < 0
        assert f"{a}" in found.says and f"{b}" in found.says


@given(st.floats(0, 1), st.integers(1, 100_000))
def test_the_interval_of_a_share_is_scipys(share, n) -> None:
    right = round(share * n)
    oracle = scipy.stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert wilson(right / n, n) == pytest.approx([oracle.low, oracle.high], abs=1e-6)


@given(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3), st.integers(50, 50_000))
def test_a_published_difference_lies_in_its_interval(values, n) -> None:
    published = dict(zip(paper.SETUPS, values, strict=True))
    rows, wider = (changes(published, size, {}, 0.01, like=True) for size in (n, n // 4))
    for row, other in zip(rows, wider, strict=True):
        assert row["published from"] < row["published"] < row["published to"]
        assert row["published from"] >= -1 and row["published to"] <= 1
        width, than = (r["published to"] - r["published from"] for r in (row, other))
        assert width < than


def test_a_direction_agrees_only_where_the_interval_is_on_its_side() -> None:
    assert direction(-0.02, -0.03, -0.001, 3) == AGREES
    assert direction(-0.02, -0.03, 0.001, 3) == CANNOT
    assert direction(-0.02, -0.9, 0.9, 3) == CANNOT
    assert direction(-0.02, 0.001, 0.02, 3) == DISAGREES
    assert direction(-0.02, -0.03, -0.001, 2) == NO_VERDICT
    assert direction(0.0, -0.03, -0.001, 3) == ""


def test_close_to_0_needs_the_whole_interval_within_the_margin() -> None:
    assert close(-0.009, 0.009, 0.01, 3) == AGREES
    assert close(-0.5, 0.5, 0.01, 3) == CANNOT  # a wide interval is no evidence
    assert close(0.002, 0.03, 0.01, 3) == CANNOT  # apart from 0, but how far?
    assert close(0.011, 0.03, 0.01, 3) == DISAGREES
    assert close(0.0, 0.0, 0.01, 2) == NO_VERDICT


def test_a_size_agrees_only_where_it_is_shown_to() -> None:
    ends = (0.575, 0.585)
    precise = Ours(0.581, 0.580, 0.582, 1000, 5, 0.001)
    assert size(0.58, ends, precise, 0.01) == AGREES
    assert size(0.58, ends, precise._replace(low=0.5, high=0.7), 0.01) == CANNOT
    # One published training: another seed of ours could have given it.
    assert size(0.60, (0.595, 0.605), precise._replace(single=0.03), 0.01) == CANNOT
    assert size(0.60, (0.595, 0.605), precise, 0.01) == f"{DISAGREES}, ours is lower"
    assert size(0.58, ends, precise._replace(seeds=2), 0.01) == NO_VERDICT


def many(values: np.ndarray, n: int = 30_000) -> list[Ours]:
    """What `over_runs` makes of seeds x studies, of single values, all at once."""
    found, quantile = seeds_and_sentences(values, None), scipy.stats.t.ppf(0.975, len(values) - 1)
    single = quantile * values.std(axis=0, ddof=1)
    of = zip(values.mean(axis=0), found.low, found.high, single, strict=True)
    return [Ours(value, low, high, n, len(values), one) for value, low, high, one in of]


def verdicts_of(truth: float, spread: float, seeds: int, seed: int) -> pd.DataFrame:
    """Verdicts on a published .580 and on .556 - .580 of 30,000 rows, one training each.

    Ours have the same accuracies but for `truth`, which is added to the first setup's.
    """
    rng, studies, n = np.random.default_rng(seed), 400, 30_000
    accuracy = {"balanced": 0.58, "imbalanced": 0.556, "imbalanced+cw": 0.569}
    trained = {s: v + spread * rng.standard_normal(studies) for s, v in accuracy.items()}
    published = pd.DataFrame({s: rng.binomial(n, v) / n for s, v in trained.items()})
    runs = {
        s: v + truth * (s == "balanced") + spread * rng.standard_normal((seeds, studies))
        for s, v in accuracy.items()
    }
    ours, changed = many(runs["balanced"]), many(runs["imbalanced"] - runs["balanced"])
    made = []
    for there, level, apart in zip(published.to_dict("records"), ours, changed, strict=True):
        rows = levels(there, n, {"balanced": level}, MARGINS["accuracy"], like=True)
        of = {("imbalanced", "balanced"): apart}
        rows += changes(there, n, of, MARGINS["accuracy"], like=True)
        made.append({"size": rows[0]["size"], "direction": rows[3]["direction"]})
    return pd.DataFrame(made)


def share(said: pd.Series, word: str) -> float:
    return float(said.str.startswith(word).mean())


@pytest.mark.parametrize("seeds", [3, 8])
def test_how_often_verdicts_on_sizes_and_directions_are_wrong(seeds) -> None:
    same = verdicts_of(0.0, 0.004, seeds, 1)
    assert share(same["size"], DISAGREES) <= 0.05
    precise = verdicts_of(0.0, 0.0005, 8, 2)
    assert share(precise["size"], AGREES) >= 0.8
    at_the_margin = verdicts_of(MARGINS["accuracy"], 0.002, seeds, 3)
    assert share(at_the_margin["size"], AGREES) <= 0.05
    assert share(verdicts_of(0.05, 0.002, seeds, 4)["size"], DISAGREES) >= 0.9
    # The setups do not differ: the published difference is not here.
    none = verdicts_of(-0.024, 0.004, seeds, 5)
    assert share(none["direction"], AGREES) <= 0.05
    assert share(none["direction"], DISAGREES) <= 0.05
    assert share(verdicts_of(0.0, 0.002, seeds, 6)["direction"], AGREES) >= 0.9


def translated(rng: np.random.Generator, n: int, truth: float) -> Predictions:
    """n sentences in three languages of each of two groups; translations are predicted alike."""
    languages = ("de", "en", "zh", "fr", "es", "ja")
    positive = rng.random((n, 2)) < [truth, truth / 2]
    at = np.repeat(positive, 3, axis=1).ravel().astype(int)
    rows = pd.DataFrame(
        {"row": np.arange(6 * n).astype(str), "sentence": np.repeat(np.arange(n), 6).astype(str),
         "language": np.tile(languages, n), "label": "a"}
    )  # fmt: skip
    return Predictions(rows, np.eye(2)[at], ("a", "b"), languages)


def test_intervals_of_table_2_are_over_sentences() -> None:
    """Three translations that are predicted alike are one: rows would make it sqrt(3) narrower."""
    groups = [["de", "en", "zh"], ["fr", "es", "ja"]]
    covered = apart = 0
    rng = np.random.default_rng(0)
    for _ in range(100):
        totals = share_totals(translated(rng, 80, 0.5), groups)
        found = dict(zip(totals.names, over_runs({0: totals}, 240), strict=True))
        first, difference = found["0 b"], found["apart b"]
        covered += first.low <= 0.5 <= first.high
        apart += difference.low <= 0.25 <= difference.high
    assert covered >= 88 and apart >= 88  # 95 but for the noise of 100 studies
    low, high = wilson(first.value, 240)
    assert 1.5 < (first.high - first.low) / (high - low) < 2.0
    assert (first.seeds, first.n, first.single) == (1, 240, None)


def test_three_seeds_are_an_interval_over_seeds_and_two_of_single_values_none() -> None:
    rng = np.random.default_rng(1)
    groups = [["de", "en", "zh"], ["fr", "es", "ja"]]
    totals = [share_totals(translated(rng, 80, p), groups) for p in (0.2, 0.5, 0.8)]
    wide = over_runs(dict(enumerate(totals)), 240)[1]
    values = [t.values[1] for t in totals]
    half = scipy.stats.t.ppf(0.975, 2) * np.std(values, ddof=1) / 3**0.5
    assert (wide.high - wide.low) / 2 == pytest.approx(half, rel=0.02)  # they differ the most
    same = over_runs(dict(enumerate([totals[1]] * 3)), 240)[1]
    one = over_runs({0: totals[1]}, 240)[1]  # seeds that agree: other sentences are what is left
    assert same.high - same.low == pytest.approx(one.high - one.low, rel=0.1)
    (alone,) = over_runs(dict(enumerate(values)), 240)
    assert (alone.high - alone.low) / 2 == pytest.approx(half)
    (two,) = over_runs({0: 0.5, 1: 0.6}, 240)
    assert (two.value, two.low, two.high, two.single) == (0.55, None, None, None)


@pytest.fixture
def document(done) -> dict:
    return copy.deepcopy(study_results.summary(small_study()))


def as_amazon(document: dict) -> dict:
    """The same study as if it had the paper's labels."""
    renamed = dict(zip(document["labels"], ("1", "3", "5"), strict=True))
    document["labels"] = list(paper.LABELS["amazon"])
    shares = design_shares("linear", document["languages"], document["labels"])
    document["training_shares"] = shares.div(shares.sum(axis=1), axis=0).to_dict("index")
    for run in document["runs"]:
        for cells in run["predictions_by_group"].values():
            named = {renamed[k]: v for k, v in cells.items()}
            cells |= dict.fromkeys(document["labels"], 0.0) | named
    return document


def test_another_task_is_compared_in_direction_alone(document) -> None:
    assert paper_tables.defaults(document) == ("amazon", "mBERT")
    assert not paper_tables.is_like(document, "amazon")
    found = measured(document, "")
    for frame in (
        paper_tables.accuracies(document, "amazon", "mBERT", found),
        paper_tables.probes(document, "amazon", "mBERT", found),
        paper_tables.training_shares(document, "amazon"),
    ):
        assert "size" not in frame and "direction" in frame
    shares = paper_tables.training_shares(document, "amazon")
    assert shares["our label"].unique().tolist() == ["negative", "positive"]
    assert set(shares["direction"]) == {"agrees"}
    why = paper_reasons.why(document, "amazon", "mBERT", list(small_study().configs.values()))
    assert "direction only" in why and "es fr ja against de en zh" in why
    assert "180 training rows here, 719,000 there" in why
    assert "learning rate 0.001 (5e-05)" in why
    assert "corpus reviews\\.parquet with" in why  # not its folder


def test_the_papers_task_is_compared_in_size_too(document) -> None:
    document = as_amazon(document)
    assert paper_tables.is_like(document, "amazon")
    shares = paper_tables.training_shares(document, "amazon")
    assert shares["label"].tolist() == 2 * ["1", "2", "3", "4", "5"]
    assert shares["direction"].tolist() == 2 * ["agrees", "agrees", "even", "agrees", "agrees"]
    assert set(shares["size"]) == {"same"}
    ours = {"imbalanced": Ours(0.556, 0.555, 0.557, 30_000, 3, 0.001),
            "balanced": Ours(0.7, 0.69, 0.71, 30_000, 3, 0.001)}  # fmt: skip
    found = Measured({"accuracy": ours})
    frame = paper_tables.accuracies(document, "amazon", "mBERT", found).set_index("setup")
    assert frame.loc["imbalanced", "size"] == AGREES
    assert frame.loc["balanced", "size"] == f"{DISAGREES}, ours is higher"
    assert frame.loc["imbalanced+cw", "size"] == ""
    document["groups"].reverse()
    assert not paper_tables.is_like(document, "amazon")


def test_table_2_tells_the_groups_apart(document) -> None:
    def ours(value: float, seeds: int = 3) -> Ours:
        return Ours(value, value - 0.1, value + 0.1, 72, seeds, 0.01)

    predicted = {(0, "negative"): ours(0.2), (0, "positive"): ours(0.5),
                 (1, "negative"): ours(0.4), (1, "positive"): ours(0.6)}  # fmt: skip
    apart = {"negative": ours(-0.2), "positive": ours(-0.15)}
    found = Measured(predicted=predicted, apart=apart)
    frame = paper_tables.predicted_shares(document, "amazon", "mBERT", found)
    assert frame.set_index(["languages", "label"])["direction"].to_dict() == {
        ("fr es ja", "1"): AGREES,
        ("de en zh", "1"): AGREES,
        ("fr es ja", "5"): DISAGREES,
        ("de en zh", "5"): DISAGREES,
    }
    assert frame["ours"].tolist() == pytest.approx([20, 50, 40, 60])
    assert frame.loc[1, ["from", "to"]].tolist() == pytest.approx([40, 60])
    few = Measured(predicted=predicted, apart={x: ours(-0.2, 1) for x in apart})
    frame = paper_tables.predicted_shares(document, "amazon", "mBERT", few)
    assert set(frame["direction"]) == {NO_VERDICT}
    assert paper_tables.predicted_shares(document, "amazon", "XLM-R", found) is None


def test_shares_of_table_2_are_those_of_the_summary(document) -> None:
    found = measured(document, "")
    run = next(r for r in finished(document) if r["setup"] == "imbalanced")
    for side, group in enumerate(document["groups"]):
        for label in document["labels"]:
            ours = found.predicted[side, label]
            assert ours.value == pytest.approx(run["predictions_by_group"][" ".join(group)][label])
            assert ours.n == 72 and ours.low <= ours.value <= ours.high
    assert found.uptake.value == run["skew_uptake"]
    assert [found.uptake.low, found.uptake.high] == run["skew_uptake_ci"]


def test_xlm_r_belongs_to_the_setups_with_entropy(document) -> None:
    found = measured(document, "+entropy")
    frame = paper_tables.accuracies(document, "amazon", "XLM-R", found)
    assert frame["ours"].isna().all() and "direction" not in frame
    lacks = paper_reasons.missing(document, "amazon", "XLM-R")
    assert "imbalanced+cw+entropy" in lacks and "python -m core study small" in lacks
    for run in document["runs"]:
        run["setup"] += "+entropy"
    found = measured(document, "+entropy")
    frame = paper_tables.accuracies(document, "amazon", "XLM-R", found)
    assert frame["ours"].notna().all() and set(frame["seeds"]) == {1}
    noted = frame[frame["note"] != ""]  # 0.594 against 0.596 of 30,000 rows each
    assert noted["setup"].tolist() == ["imbalanced+cw − balanced"]
    assert noted["note"].tolist() == ["published difference not apart from 0"]
    assert "entropy" not in paper_reasons.missing(document, "amazon", "XLM-R")
    document["encoder"] = "xlm-roberta-base"
    assert paper_tables.defaults(document)[1] == "XLM-R"


@pytest.mark.parametrize(
    ("encoder", "corpus", "setup"),
    [
        ("XLM-R", "amazon", "imbalanced+cw − imbalanced"),
        ("mBERT", "xnli", "imbalanced+cw − balanced"),
    ],
)
def test_the_papers_own_exceptions_are_named(document, encoder, corpus, setup) -> None:
    frame = paper_tables.probes(document, corpus, encoder, Measured())
    noted = frame[frame["note"] != ""]
    assert noted[["texts", "setup"]].values.tolist() == [["test set", setup]]
    assert "exception" in noted["note"].iloc[0]


def test_our_differences_are_those_of_the_runs(document) -> None:
    found = measured(document, "")
    value = {r["setup"]: r for r in finished(document)}
    frame = paper_tables.accuracies(document, "amazon", "mBERT", found).set_index("setup")
    ours = value["imbalanced"]["accuracy"] - value["balanced"]["accuracy"]
    assert frame.loc["imbalanced − balanced", "ours"] == pytest.approx(ours)
    probes = paper_tables.probes(document, "amazon", "mBERT", found)
    row = probes[probes["setup"] == "imbalanced+cw − imbalanced"].iloc[0]
    of = {k: r["probe"]["original"]["accuracy_released"] for k, r in value.items()}
    assert row["ours"] == pytest.approx(of["imbalanced+cw"] - of["imbalanced"])
    assert probes.loc[probes["texts"] == "Wikipedia", "ours"].isna().all()
    assert "external" in paper_reasons.missing(document, "amazon", "mBERT")
    levels_of = probes[probes["texts"] == "test set"].head(3)
    assert levels_of["from"].isna().all()  # one value a training has no interval
    assert set(frame["direction"]) <= {"", NO_VERDICT}
    text = paper_reasons.reading([frame, probes])
    assert text.startswith("Of **6** published differences") and "no verdict" in text


def test_three_seeds_are_counted_by_verdict(document) -> None:
    ours = {("imbalanced", "balanced"): Ours(-0.02, -0.03, -0.01, 9, 3, 0.01),
            ("imbalanced+cw", "imbalanced"): Ours(0.01, -0.03, 0.05, 9, 3, 0.01),
            ("imbalanced+cw", "balanced"): Ours(0.02, 0.01, 0.03, 9, 3, 0.01)}  # fmt: skip
    found = Measured(changes={"accuracy": ours})
    frame = paper_tables.accuracies(document, "amazon", "mBERT", found)
    assert frame["direction"].tolist()[3:] == [AGREES, CANNOT, DISAGREES]
    text = paper_reasons.reading([frame])
    assert "**1** agree in direction, **1** disagree, and **1** cannot be told" in text


def test_reasons_name_what_is_left_open(document) -> None:
    configs = small_study().configs.values()
    with_entropy = [replace(c, setup=f"{c.setup}+entropy") for c in configs]
    why = paper_reasons.why(document, "xnli", "mBERT", with_entropy)
    for said in (
        "1,000 iterations in place of 100", "vectors are centred", "shuffled and by sentence",
        "dropout before the linear layer", "for pairs it leaves open",
        "only those whose true label it is", "1 an epoch here",
    ):  # fmt: skip
        assert said in why, said
    assert "Equation 3" not in paper_reasons.why(document, "xnli", "mBERT", list(configs))


def test_a_table_is_written_out_for_readers() -> None:
    frame = pd.DataFrame(
        {"setup": ["a", "b"], "published": [0.5, -0.25], "published from": [0.4, -0.5],
         "published to": [0.6, 0.0], "ours": [0.7, np.nan], "from": [np.nan] * 2,
         "to": [np.nan] * 2, "n": pd.array([1800, None], "Int64"),
         "seeds": pd.array([1, None], "Int64")}
    )  # fmt: skip
    made, shown = written(frame)
    assert shown == ["setup", "published [95 %]", "ours [95 %]", "n (seeds)"]
    assert made[shown].values.tolist() == [
        ["a", "0.500 [0.400, 0.600]", "0.700", "1,800 (1)"],
        ["b", "−0.250 [−0.500, 0.000]", "–", "–"],
    ]
