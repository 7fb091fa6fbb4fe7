"""From a study to its runs."""

from __future__ import annotations

import numpy as np
import pytest

from core.checkpoints import studies
from core.errors import InputError
from core.models.session import Session
from core.sampling import designs
from core.studies import form, planning, study
from tests.conftest import SMALL_STUDY


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "train_per_language = 30",
            "train_per_language = 300",
            r"\(de, negative\) needs 150 and has 40.* works is 80\.",
        ),
        ("validation_per_language = 12", "validation_per_language = 90", "largest validation_per_"),
        (
            "test_per_language = 24",
            "test_per_language = 2",
            "test_per_language is 2, too few for 3",
        ),
        ('encoder = "tiny"', 'encoder = "nobody/nothing"', "hub did not answer for nobody/nothing"),
        ('name = "small"', 'languages = ["en", "xx"]', "languages named are en, xx"),
        ('name = "small"', 'languages = ["en", "de"]', "exactly one of two groups"),
        ('name = "small"', 'external = "nowhere.csv"', "neither a preset"),
    ],
)
def test_a_study_that_cannot_work_is_refused_before_it_trains(
    study_file, old, new, message
) -> None:
    text = SMALL_STUDY.replace(old, new, 1)
    path = study_file.parent / "wrong.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        planning.plan(study.read(str(path)), Session())
    assert not studies.started()


def test_class_weights_without_rows_in_a_cell_are_refused_in_the_plan(study_file) -> None:
    design = "[design]\n" + "".join(
        f"{x} = {{negative = {a}, neutral = 1, positive = 1}}\n"
        for x, a in zip(("de", "en", "es", "fr", "ja", "zh"), (0, 1, 1, 1, 1, 1), strict=True)
    )
    path = study_file.parent / "empty.toml"
    path.write_text(SMALL_STUDY + design)
    with pytest.raises(InputError, match=r"none in \(de, negative\)"):
        planning.plan(study.read(str(path)), Session())


def test_the_plan_has_the_null_shared_sizes_and_the_largest_overlap(study_file) -> None:
    session = Session()
    plan = planning.plan(study.read(str(study_file)), session)
    configs = list(plan.runs.values())
    assert [(c.setup, c.seed) for c in configs] == [
        ("balanced", 0),
        ("imbalanced", 0),
        ("imbalanced+cw", 0),
        ("balanced", 1),
    ]
    from core.sampling.subsets import subset, training_counts

    for split in ("train", "validation"):
        ids = [set(subset(c, plan.corpus, split)) for c in configs]
        assert ids[1] == ids[2]
        assert len(ids[0]) == len(ids[1]) == getattr(configs[0], f"{split}_per_language") * 6
        smaller = np.minimum(training_counts(configs[0], split), training_counts(configs[1], split))
        assert len(ids[0] & ids[1]) == smaller.to_numpy().sum()
        assert ids[0] != ids[3]
    tests = [subset(c, plan.corpus, "test") for c in configs]
    assert tests[0] == tests[1] == tests[2] == tests[3]
    rows = plan.corpus.rows("test").set_index("row").loc[tests[0]]
    assert rows.groupby("sentence")["language"].nunique().eq(6).all()
    assert rows.groupby(["language", "label"]).size().eq(8).all()


def test_each_balanced_setup_has_a_null(study_file) -> None:
    from dataclasses import replace

    setups = ("balanced", "imbalanced", "balanced+entropy", "imbalanced+entropy")
    plan = planning.plan(replace(study.read(str(study_file)), setups=setups), Session())
    assert [(c.setup, c.seed) for c in plan.runs.values()] == [
        *((setup, 0) for setup in setups),
        ("balanced", 1),
        ("balanced+entropy", 1),
    ]


def test_a_study_can_have_several_nulls(study_file) -> None:
    from dataclasses import replace

    asked = replace(study.read(str(study_file)), nulls=2)
    assert study.from_document(study.to_document(asked), study_file).nulls == 2
    plan = planning.plan(asked, Session())
    of_one = planning.plan(replace(asked, nulls=1), Session())
    assert [(c.setup, c.seed) for c in plan.runs.values()][3:] == [("balanced", 1), ("balanced", 2)]
    assert list(plan.runs)[:4] == list(of_one.runs)  # the same ids
    with pytest.raises(InputError, match="nulls is -1"):
        replace(asked, nulls=-1)


def test_three_seeds_need_no_run_for_the_null(study_file) -> None:
    from dataclasses import replace

    asked = replace(study.read(str(study_file)), seeds=(0, 1, 2))
    plan = planning.plan(asked, Session())
    assert len(plan.runs) == 9


def test_sizes_left_out_are_the_largest_that_fit(study_file) -> None:
    text = SMALL_STUDY.replace("train_per_language = 30\n", "").replace(
        "validation_per_language = 12\n", ""
    )
    path = study_file.parent / "largest.toml"
    path.write_text(text)
    config = next(iter(planning.plan(study.read(str(path)), Session()).runs.values()))
    assert config.train_per_language == 80  # 40 rows a cell, half of a language in one of them
    assert config.validation_per_language == 32
    assert config.test_per_language == 24


def test_strength_leaves_the_balanced_runs_and_at_1_every_id(study_file) -> None:
    from dataclasses import replace

    asked = study.read(str(study_file))
    session = Session()

    def planned(strength: float) -> planning.Plan:
        made = replace(asked, strength=strength)
        document = study.to_document(made)
        assert ("strength" in document) == (strength != 1)
        assert study.from_document(document, study_file) == made
        assert form.to_study(shown(made), made) == made
        return planning.plan(made, session)

    def shown(made: study.Study) -> dict[str, object]:
        document = study.to_document(made)
        return document | form.texts_of(made)

    whole, half, none = (planned(s) for s in (1, 0.5, 0))
    config = next(c for c in whole.runs.values() if c.skewed)
    plain = designs.design_shares("linear", config.languages, config.labels)
    assert config.shares == plain.round(12).T.to_dict()
    shared = set(whole.runs) & set(half.runs)
    assert {whole.runs[run].setup for run in shared} == {"balanced"} and len(shared) == 2
    shares = [p.skewed.loc["fr"].mul(6).round(9).tolist() for p in (whole, half, none)]
    assert np.allclose(shares, [[2 / 12, 4 / 12, 6 / 12], [3 / 12, 4 / 12, 5 / 12], [4 / 12] * 3])
    with pytest.raises(InputError, match=r"strength is 2.5, .* the largest strength is 2\."):
        planned(2.5)
