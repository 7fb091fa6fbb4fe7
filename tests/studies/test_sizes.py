"""Sizes, designs and test sets of studies on corpora as found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config import RunConfig
from core.errors import InputError
from core.models.session import Session
from core.sampling import designs, joint
from core.sampling.subsets import effective_test_rows, subset, training_counts, weights_of_test
from core.studies import form, planning, study
from core.studies.planning import Plan
from core.studies.study import Study

LANGUAGES, LABELS = ["de", "en", "fr"], ["bad", "fair", "good"]
TRAIN = pd.DataFrame([[120, 40, 20], [30, 30, 60], [4, 6, 10]], LANGUAGES, LABELS)
Made = Callable[..., Study]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A study on a corpus with so many rows of each cell."""

    def make(train: pd.DataFrame = TRAIN, **more: object) -> Study:
        texts = []
        tables = {"train": train, "validation": train // 2, "test": train // 2}
        for split, table in (tables | more.pop("splits", {})).items():  # type: ignore[call-overload]
            for (language, label), n in table.stack().items():
                texts += [
                    (f"{split} {i} {language} {label}", label, language, split) for i in range(n)
                ]
        columns = ["text", "label", "language", "split"]
        pd.DataFrame(texts, columns=columns).to_csv(tmp_path / "found.csv", index=False)
        asked: dict[str, object] = {
            "corpus": str(tmp_path / "found.csv"),
            "setups": ("balanced", "imbalanced"),
            "encoder": "tiny",
            "design": "natural",
            "balanced": "independent",
            "test": "as found",
            "labels": tuple(LABELS),
        }
        return Study(name="found", **(asked | more))  # type: ignore[arg-type]

    return make


def planned(asked: Study) -> Plan:
    return planning.plan(asked, Session())


def of(plan: Plan, setup: str) -> RunConfig:
    return next(c for c in plan.runs.values() if c.setup == setup)


def test_the_balanced_counterpart_of_a_natural_corpus_keeps_most_of_its_rows(made) -> None:
    plan = planned(made())
    balanced, natural = of(plan, "balanced"), of(plan, "imbalanced")
    ids = [set(subset(c, plan.corpus, "train")) for c in (balanced, natural)]
    assert len(ids[0]) == len(ids[1]) == balanced.rows("train")
    counts = [training_counts(c, "train") for c in (balanced, natural)]
    assert len(ids[0] & ids[1]) == np.minimum(*counts).to_numpy().sum()
    # The product of the corpus's marginals: the same languages and labels, no skew but of rounding.
    for axis in (0, 1):
        assert np.allclose(balanced.shares_table().sum(axis=axis), TRAIN.sum(axis=axis) / 320)
    assert joint.cramers_v(counts[0]) < 0.03 < joint.cramers_v(counts[1])
    # Against uniform, which the smallest cell of the corpus cuts to 4 rows a cell.
    uniform = planned(made(balanced="uniform"))
    assert of(uniform, "balanced").rows("train") == 36
    assert balanced.rows("train") > 2 * 36
    with pytest.raises(InputError, match=r"train_rows = \d+ asks for more rows"):
        planned(made(train_rows=balanced.rows("train") + 12))


def test_sizes_in_all(made) -> None:
    plan = planned(made(train_rows=80, validation_rows=31, test_rows=100))
    config = of(plan, "imbalanced")
    assert [config.rows(s) for s in ("train", "validation", "test")] == [80, 31, 100]
    assert len(subset(config, plan.corpus, "validation")) == 31
    # The same size asked for a language is the same run.
    alike = planned(made(train_rows=60, validation_rows=30, test_per_language=30))
    assert (
        planned(made(train_per_language=20, validation_per_language=10, test_rows=90)).runs
        == alike.runs
    )
    assert RunConfig.from_json(config.canonical_json()) == config


def test_a_test_set_as_found_is_weighted_to_the_balanced_design(made) -> None:
    plan = planned(made())
    config = of(plan, "balanced")
    counts, weights = training_counts(config, "test"), weights_of_test(config)
    assert counts.equals(joint.count(plan.corpus.rows("test"), LANGUAGES, LABELS))
    assert weights is not None
    weighted = counts * weights
    assert np.allclose(weighted / weighted.to_numpy().sum(), config.shares_table())
    assert weighted.to_numpy().sum() == pytest.approx(config.rows("test"))
    # Kish: as many rows as there are weights, drawn in proportion.
    once = np.repeat(weights.to_numpy().ravel(), counts.to_numpy().ravel())
    assert effective_test_rows(config) == pytest.approx(once.sum() ** 2 / (once**2).sum())
    assert effective_test_rows(config) < config.rows("test")
    assert {c.test_target == config.test_target for c in plan.runs.values()} == {True}
    to_uniform = of(planned(made(balanced="uniform")), "imbalanced")
    assert np.allclose(to_uniform.target_table(), 1 / 9)
    uniform = of(planned(made(test="uniform")), "imbalanced")
    assert weights_of_test(uniform) is None and uniform.rows("test") == 2 * 9


def test_an_empty_split_is_named_and_can_be_mended(made) -> None:
    with pytest.raises(InputError, match=r"the corpus has no test rows\. Name some .* made"):
        planned(made(splits={"test": TRAIN * 0}))


def test_a_corpus_without_validation_rows_has_some_made_of_train(made) -> None:
    assert planned(made(splits={"validation": TRAIN * 0})).runs


def test_the_cell_that_limits_is_named_with_what_wins(made) -> None:
    train = TRAIN.copy()
    train.loc["fr", "bad"] = 0
    with pytest.raises(InputError) as error:
        planned(made(train, balanced="uniform", test="uniform"))
    text = str(error.value)
    assert "(fr, bad) has no row" in text and "without the language fr" in text
    assert 'balanced = "independent"' in text and "languages = [...]" in text
    assert "works is 0" not in text
    with pytest.raises(InputError, match=r"no row in \(fr, bad\), and no weights make up for it"):
        planned(made(train, splits={"train": TRAIN, "validation": TRAIN}))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"balanced": "even"}, "balanced is 'even'; expected 'uniform' or 'independent'"),
        ({"test": 3}, "test is 3; expected 'uniform' or 'as found'"),
        ({"train_rows": 5, "train_per_language": 2}, "train_per_language is 2 and train_rows is 5"),
        ({"test_rows": 0}, "test_rows is 0; expected a whole number"),
        ({"test_rows": 4}, "test_rows is 4, too few for 9 cells"),
    ],
)
def test_wrong_values_are_refused(made, wrong, message) -> None:
    with pytest.raises(InputError, match=message):
        planned(made(**wrong))


def test_what_is_asked_survives_its_file_and_the_form(made, tmp_path) -> None:
    asked = made(train_rows=80)
    document = study.to_document(asked)
    assert (document["balanced"], document["test"], document["train_rows"]) == (
        "independent",
        "as found",
        80,
    )
    assert study.from_document(document, tmp_path / "found.toml") == asked
    plain = study.to_document(replace(asked, balanced="uniform", test="uniform", train_rows=None))
    assert not {"balanced", "test", "train_rows"} & set(plain)
    # A form that does not show them leaves them as they are; what it shows wins.
    shown = {k: v for k, v in document.items() if k in ("name", "corpus", "encoder", "design")}
    shown |= form.texts_of(asked) | {"setups": asked.setups, "training": {}}
    assert form.to_study(shown, asked) == asked
    fewer = form.to_study(shown | {"train_per_language": 20}, asked)
    assert (fewer.train_rows, fewer.train_per_language) == (None, 20)


def test_of_a_linear_design_independent_and_uniform_are_one_run(made) -> None:
    even = pd.DataFrame(60, LANGUAGES, LABELS)
    more = {"design": "linear", "groups": (("fr",), ("de", "en")), "train_per_language": 30}
    more |= {"validation_per_language": 12, "test_per_language": 9, "test": "uniform"}
    a, b = (planned(made(even, balanced=x, **more)) for x in ("uniform", "independent"))
    assert list(a.runs) == list(b.runs)
    assert np.allclose(
        designs.design_shares("uniform", LANGUAGES, LABELS), of(b, "balanced").shares_table()
    )
