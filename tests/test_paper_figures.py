from __future__ import annotations

import copy

import pytest

from core import attributed, paper, paper_figures, results
from core.figures import paper as figures


@pytest.fixture
def document(explained, monkeypatch) -> dict:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
    return copy.deepcopy(attributed.attributions("small"))


def give(document: dict, setup: str, label: str, part: str, side: str, **values: object) -> None:
    place = (setup, label, part, side)
    rows = document["sides"]
    found = [r for r in rows if (r["setup"], r["label"], r["group"], r["side"]) == place]
    assert len(found) == 1
    found[0].update(values)


def test_panels_are_the_papers_in_its_order(document) -> None:
    assert paper_figures.panels_of(document, 1) == [
        ("imbalanced", "negative"),
        ("imbalanced", "positive"),
        ("imbalanced+cw", "negative"),
        ("imbalanced+cw", "positive"),
    ]
    assert paper_figures.panels_of(document, 3) == []


@pytest.mark.parametrize(
    ("mean", "ci", "said"),
    [
        (0.1, [0.05, 0.2], "agrees"),
        (0.1, [-0.05, 0.2], "agrees, not apart from 0"),
        (-0.1, [-0.2, -0.05], "opposite"),
        (None, None, ""),
    ],
)
def test_a_published_direction_stands_beside_ours(document, mean, ci, said) -> None:
    give(document, "imbalanced", "negative", "neutral", "over", mean=mean, ci=ci,
         crossed=-0.2, crossed_ci=[-0.3, -0.1])  # fmt: skip
    frame = paper_figures.directions(document, "amazon", 1, "imbalanced")
    row = frame[(frame["label"] == "negative (1)") & (frame["part"] == "neutral")].iloc[0]
    assert row["published"] == "up: the main effect"
    assert (row["side"], row["direction"]) == ("over", said)
    assert row["direction cross-fitted"] == "opposite"


def test_close_to_0_agrees_where_the_interval_holds_0(document) -> None:
    for label, ci in (("negative", [-0.1, 0.2]), ("positive", [0.1, 0.2])):
        give(document, "imbalanced+cw", label, "neutral", "over - under", mean=0.1, ci=ci)
    frame = paper_figures.directions(document, "xnli", 1, "imbalanced+cw")
    rows = frame[frame["published"] == "no clear separation"].set_index("label")["direction"]
    assert rows["negative (entailment)"] == "agrees: not apart from 0"
    assert rows["positive (contradiction)"] == "differs: apart from 0"


def test_no_number_is_published_of_a_figure(document) -> None:
    for corpus in paper.CORPORA:
        for said in paper.DIRECTIONS[corpus]:
            assert said.sign in (-1, 0, 1)
            assert not any(c.isdigit() for c in said.says.replace("close to 0", ""))
    assert paper_figures.directions(document, "amazon", 3, "imbalanced+entropy").empty


def test_shares_of_token_groups_by_threshold(document) -> None:
    documents = {t: attributed.attributions("small", threshold=t) for t in paper.THRESHOLDS}
    frame = paper_figures.thresholds(documents)
    assert frame["threshold"].tolist() == [0.001, 0.01, 0.05]
    assert frame[["negative", "neutral", "positive"]].sum(axis=1).tolist() == pytest.approx(
        [100] * 3
    )
    assert frame["neutral"].is_monotonic_increasing
    assert frame["tokens"].nunique() == 1


def test_class_weights_and_entropy_are_read_from_the_numbers(document) -> None:
    study = results.summary("small")
    for row in document["rows"]:
        row["mean"] = 0.2 if row["setup"] == "imbalanced" else 0.1
    assert "0.200 to 0.100: **agrees**" in paper_figures.weights_reading(document, 1)
    with_it = copy.deepcopy(document)
    for row in with_it["rows"]:
        row |= {"setup": f"{row['setup']}+entropy", "mean": 0.3}
    text = paper_figures.entropy_reading(document, with_it, study)
    assert "0.200 to 0.300: **does not agree**" in text
    assert paper_figures.readings(with_it, document, study, 3) == [text]
    assert paper_figures.readings(document, None, study, 3) == []


def test_panels_are_as_in_the_paper_or_cross_fitted(document) -> None:
    study = results.summary("small")
    own = figures.panels(study, document, 1, crossed=False)
    crossed = figures.panels(study, document, 1, crossed=True)
    assert [f.title for f in own] == [f.title for f in crossed]
    assert [len(f.charts) for f in own] == [4] * 4
    assert len({f.name for f in own + crossed}) == 8
    document["cross_fitted"] = {}
    assert figures.panels(study, document, 1, crossed=True) == []
