"""What is kept of a run's resampled sentences says what resampling them says."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.checkpoints import outputs, run_folders, studies
from core.errors import InputError
from core.measures.accuracy import accuracy_totals
from core.measures.bootstrap import draw_totals, drawn, sums_by_sentence
from core.measures.comparison import compare
from core.measures.skew_uptake import uptake_totals
from core.results import comparisons, resampled
from core.results.run_measures import skewed_design
from core.results.study_results import summary
from tests.helpers.predictions import predictions
from tests.helpers.started import small_study
from tests.pages.conftest import copied, varied

__all__ = ["copied", "varied"]  # fixtures


def test_what_is_kept_gives_the_comparison_of_the_rows_themselves(varied) -> None:
    study, ids = small_study(), studies.run_ids("small")
    comparisons.compare_runs(study, ids[1:2], ids[:1])
    found = {c["measure"]: c for c in comparisons.compare_runs(study, ids[1:2], ids[:1])}
    skewed = skewed_design(study.configs)
    assert skewed is not None
    runs = [outputs.read_predictions(run) for run in (ids[1], ids[0])]
    for name, of in (
        ("accuracy", accuracy_totals),
        ("skew_uptake", lambda p: uptake_totals(p, skewed)),
        ("accuracy, de", lambda p: accuracy_totals(p).only("de")),
    ):
        a, b = map(of, runs)
        direct = compare("a", "b", name, {0: a}, {0: b})
        assert found[name]["difference"] == pytest.approx(direct.difference, abs=1e-12)
        assert found[name]["ci"] == pytest.approx([direct.low, direct.high], abs=1e-12)
        # And by hand: the draws of both, with the same sentences.
        sums = [sums_by_sentence(x.quantities, x.sentences) for x in (a, b)]
        draws = [x.statistic(draw_totals(s)) for x, s in zip((a, b), sums, strict=True)]
        differences = (draws[0] - draws[1])[:, 0]
        low, high = np.quantile(differences[np.isfinite(differences)], [0.025, 0.975])
        assert found[name]["ci"] == pytest.approx([low, high], abs=1e-12)
        assert low < high


def test_sentences_are_resampled_once_a_run(varied, monkeypatch) -> None:
    study, ids = small_study(), studies.run_ids("small")
    summary(study)  # as the worker does when a run is trained
    with monkeypatch.context() as patch:
        patch.setattr(resampled, "drawn", None)  # would fail if it were called
        for a, b in ((ids[1], ids[0]), (ids[2], ids[0]), (ids[3], ids[1])):
            kept = comparisons.compare_runs(study, [a], [b], 2.0)
            assert any(c["ci"] and c["ci"][0] < c["ci"][1] for c in kept)


def test_what_is_kept_of_a_run_is_made_anew_when_its_predictions_change(varied) -> None:
    study, ids = small_study(), studies.run_ids("small")

    def accuracy() -> dict:
        compared = comparisons.compare_runs(study, ids[1:2], ids[:1])
        return next(dict(c) for c in compared if c["measure"] == "accuracy")

    before = accuracy()
    folder = study.folder / "resampled"
    kept = {f.name: f.read_bytes() for f in folder.iterdir()}
    assert set(kept) >= {f"{ids[0]}.json", f"{ids[1]}.json"}
    path = run_folders.folder(ids[1]) / "predictions.parquet"
    table = pq.read_table(path)
    config = run_folders.read_config(ids[1])
    for label in config.labels:  # now all is right
        name = outputs.probability_column(label)
        right = pa.array([float(x == label) for x in table["label"].to_pylist()], pa.float32())
        table = table.set_column(table.column_names.index(name), name, right)
    pq.write_table(table, path)
    after = accuracy()
    assert after["value_a"] == 1 and after["value_a"] != before["value_a"]
    assert after["value_b"] == before["value_b"] and after["ci"] != before["ci"]
    assert (folder / f"{ids[0]}.json").read_bytes() == kept[f"{ids[0]}.json"]
    assert (folder / f"{ids[1]}.json").read_bytes() != kept[f"{ids[1]}.json"]


def test_a_byte_that_changed_in_what_is_kept_changes_no_number(varied) -> None:
    study, ids = small_study(), studies.run_ids("small")
    before = comparisons.compare_runs(study, ids[1:2], ids[:1])
    path = study.folder / "resampled" / f"{ids[1]}.json"
    stat, text = path.stat(), path.read_text()
    path.write_text(text.replace('"value": 0.', '"value": 0.9', 1))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert comparisons.compare_runs(study, ids[1:2], ids[:1]) == before


def test_runs_on_other_test_rows_are_refused() -> None:
    a, b = (accuracy_totals(predictions(n, 0)) for n in (9, 7))
    one, other = drawn([a]), drawn([b])
    assert compare("a", "b", "accuracy", {0: one[0]}, {0: drawn([a])[0]}).difference == 0
    with pytest.raises(InputError, match="different test rows: 54 and 42, not the same ones"):
        compare("a", "b", "accuracy", {0: one[0]}, {0: other[0]})
