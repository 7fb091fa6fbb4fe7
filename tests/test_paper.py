"""The paper's numbers are those of paper.md, and a study is read against them as they stand."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from core import paper, paper_comparison, paper_reasons, results
from core.joint import design_shares
from core.measures.accuracy import wilson
from core.paper_verdicts import changes, direction, written

SOURCE = Path(__file__).parents[2] / "shared" / "paper.md"


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
    rows = changes(dict(zip(paper.SETUPS, values, strict=True)), n, {}, {}, "x", like=True)
    wider = changes(dict(zip(paper.SETUPS, values, strict=True)), n // 4, {}, {}, "x", like=True)
    for row, other in zip(rows, wider, strict=True):
        assert row["published from"] < row["published"] < row["published to"]
        assert row["published from"] >= -1 and row["published to"] <= 1
        width, than = (r["published to"] - r["published from"] for r in (row, other))
        assert width < than


def test_directions_in_words() -> None:
    assert direction(-0.02, -0.01, -0.03, -0.001) == "agrees"
    assert direction(-0.02, -0.01, -0.03, 0.001) == "agrees, not apart from 0"
    assert direction(-0.02, 0.01, 0.001, 0.02) == "opposite"
    assert direction(-0.02, 0.01, None, None) == "opposite, no interval"
    assert direction(-0.02, 0.0, 0.0, 0.0) == "no difference, not apart from 0"


@pytest.fixture
def document(done) -> dict:
    return copy.deepcopy(results.summary("small"))


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
    assert paper_comparison.defaults(document) == ("amazon", "mBERT")
    assert not paper_comparison.is_like(document, "amazon")
    found = paper_comparison.differences(document, "")
    for frame in (
        paper_comparison.accuracies(document, "amazon", "mBERT", found),
        paper_comparison.probes(document, "amazon", "mBERT", found),
        paper_comparison.training_shares(document, "amazon"),
    ):
        assert "size" not in frame and "direction" in frame
    shares = paper_comparison.training_shares(document, "amazon")
    assert shares["our label"].unique().tolist() == ["negative", "positive"]
    assert set(shares["direction"]) == {"agrees"}
    why = paper_reasons.why(document, "amazon", "mBERT", paper_comparison.configs_of(document))
    assert "direction only" in why and "es fr ja against de en zh" in why
    assert "180 training rows here, 719,000 there" in why
    assert "learning rate 0.001 (5e-05)" in why
    assert "corpus reviews\\.parquet with" in why  # not its folder


def test_the_papers_task_is_compared_in_size_too(document) -> None:
    document = as_amazon(document)
    assert paper_comparison.is_like(document, "amazon")
    shares = paper_comparison.training_shares(document, "amazon")
    assert shares["label"].tolist() == 2 * ["1", "2", "3", "4", "5"]
    assert shares["direction"].tolist() == 2 * ["agrees", "agrees", "even", "agrees", "agrees"]
    assert set(shares["size"]) == {"same"}
    run = next(r for r in document["runs"] if r["setup"] == "imbalanced")
    run |= {"accuracy": 0.55, "accuracy_ci": [0.54, 0.56]}
    other = next(r for r in document["runs"] if r["setup"] == "balanced" and not r["null"])
    other |= {"accuracy": 0.7, "accuracy_ci": [0.69, 0.71]}
    frame = paper_comparison.accuracies(document, "amazon", "mBERT", {}).set_index("setup")
    assert frame.loc["imbalanced", "size"] == "agrees, intervals overlap"
    assert frame.loc["balanced", "size"] == "ours is higher by 0.120"
    document["groups"].reverse()
    assert not paper_comparison.is_like(document, "amazon")


def test_table_2_tells_the_groups_apart(document) -> None:
    for run in document["runs"]:
        if run["setup"] == "imbalanced":
            run["predictions_by_group"]["es fr ja"] |= {"negative": 0.2, "positive": 0.5}
            run["predictions_by_group"]["de en zh"] |= {"negative": 0.4, "positive": 0.6}
    frame = paper_comparison.predicted_shares(document, "amazon", "mBERT")
    assert frame.set_index(["languages", "label"])["direction"].to_dict() == {
        ("fr es ja", "1"): "agrees",
        ("de en zh", "1"): "agrees",
        ("fr es ja", "5"): "opposite",
        ("de en zh", "5"): "opposite",
    }
    assert frame["ours"].tolist() == pytest.approx([20, 50, 40, 60])
    assert frame["n"].tolist() == [72] * 4
    low, high = scipy.stats.binomtest(36, 72).proportion_ci(method="wilson")
    assert frame.loc[1, ["from", "to"]].tolist() == pytest.approx([100 * low, 100 * high])
    assert paper_comparison.predicted_shares(document, "amazon", "XLM-R") is None


def test_xlm_r_belongs_to_the_setups_with_entropy(document) -> None:
    found = paper_comparison.differences(document, "+entropy")
    frame = paper_comparison.accuracies(document, "amazon", "XLM-R", found)
    assert frame["ours"].isna().all() and "direction" not in frame
    lacks = paper_reasons.missing(document, "amazon", "XLM-R")
    assert "imbalanced+cw+entropy" in lacks and "python -m core study small" in lacks
    for run in document["runs"]:
        run["setup"] += "+entropy"
    found = paper_comparison.differences(document, "+entropy")
    frame = paper_comparison.accuracies(document, "amazon", "XLM-R", found)
    assert frame["ours"].notna().all() and set(frame["seeds"]) == {1}
    noted = frame[frame["note"] != ""]  # 0.594 against 0.596 of 30,000 rows each
    assert noted["setup"].tolist() == ["imbalanced+cw − balanced"]
    assert noted["note"].tolist() == ["published difference not apart from 0"]
    assert "entropy" not in paper_reasons.missing(document, "amazon", "XLM-R")
    document["encoder"] = "xlm-roberta-base"
    assert paper_comparison.defaults(document)[1] == "XLM-R"


@pytest.mark.parametrize(
    ("encoder", "corpus", "setup"),
    [
        ("XLM-R", "amazon", "imbalanced+cw − imbalanced"),
        ("mBERT", "xnli", "imbalanced+cw − balanced"),
    ],
)
def test_the_papers_own_exceptions_are_named(document, encoder, corpus, setup) -> None:
    frame = paper_comparison.probes(document, corpus, encoder, {})
    noted = frame[frame["note"] != ""]
    assert noted[["texts", "setup"]].values.tolist() == [["test set", setup]]
    assert "exception" in noted["note"].iloc[0]


def test_our_differences_are_those_of_the_runs(document) -> None:
    found = paper_comparison.differences(document, "")
    value = {r["setup"]: r for r in paper_comparison.done(document)}
    frame = paper_comparison.accuracies(document, "amazon", "mBERT", found).set_index("setup")
    ours = value["imbalanced"]["accuracy"] - value["balanced"]["accuracy"]
    assert frame.loc["imbalanced − balanced", "ours"] == pytest.approx(ours)
    probes = paper_comparison.probes(document, "amazon", "mBERT", found)
    row = probes[probes["setup"] == "imbalanced+cw − imbalanced"].iloc[0]
    of = {k: r["probe"]["original"]["accuracy_released"] for k, r in value.items()}
    assert row["ours"] == pytest.approx(of["imbalanced+cw"] - of["imbalanced"])
    assert probes.loc[probes["texts"] == "Wikipedia", "ours"].isna().all()
    assert "external" in paper_reasons.missing(document, "amazon", "mBERT")


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
