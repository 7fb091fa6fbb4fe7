from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.config import Recipe, RunConfig
from core.errors import InputError

FOUND: dict[str, Any] = {
    "setup": "imbalanced", "seed": 0, "corpus": "c", "corpus_hash": "h", "labels": ("a", "b"),
    "languages": ("x", "y"), "encoder": "e", "encoder_revision": "r",
    "shares": {"x": {"a": 0.5, "b": 0.1}, "y": {"a": 0.1, "b": 0.3}}, "train_per_language": 0,
    "train_rows": 7, "validation_per_language": 2, "test_per_language": 0, "test_rows": 5,
    "test_shares": {"x": {"a": 0.7, "b": 0.1}, "y": {"a": 0.1, "b": 0.1}},
    "test_target": {"x": {"a": 0.25, "b": 0.25}, "y": {"a": 0.25, "b": 0.25}},
}  # fmt: skip


def test_the_id_of_a_run_is_the_hash_of_what_decides_its_result() -> None:
    def config(**changes):
        values = {
            "setup": "balanced", "seed": 0, "corpus": "c", "corpus_hash": "h",
            "labels": ("a", "b"), "languages": ("x",), "encoder": "e", "encoder_revision": "r",
            "shares": {"x": {"a": 0.5, "b": 0.5}}, "train_per_language": 4,
            "validation_per_language": 2, "test_per_language": 2,
        }  # fmt: skip
        return RunConfig(**{**values, **changes})

    assert config().run_id == config(training=Recipe(), columns={}).run_id
    assert "training" not in config().canonical_json()
    others = [
        config(seed=1),
        config(corpus_hash="i"),
        config(encoder_revision="s"),
        config(training=Recipe(epochs=4)),
        config(labels=("b", "a")),
    ]
    assert len({c.run_id for c in [config(), *others]}) == 6
    for c in [config(), *others]:
        assert RunConfig.from_json(c.canonical_json()) == c
    with pytest.raises(InputError, match="unexpected keyword"):
        RunConfig.from_json(config().canonical_json().replace('"seed"', '"sead"'))


def test_rows_in_all_stand_in_place_of_rows_a_language() -> None:
    one = RunConfig(**FOUND)
    assert [one.rows(split) for split in ("train", "validation", "test")] == [7, 4, 5]
    assert one.test_table().loc["x", "a"] == 0.7
    target = one.target_table()
    assert target is not None and target.loc["y"].tolist() == [0.25, 0.25]
    assert RunConfig.from_json(one.canonical_json()) == one
    plain = replace(one, test_shares={}, test_target={}, test_rows=0, test_per_language=2)
    assert plain.rows("test") == 4 and plain.target_table() is None
    assert (plain.test_table() == 1).to_numpy().all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("test_rows", -1),
        ("train_rows", 1.5),
        ("test_shares", {"x": {"a": 0.7}}),
        ("test_shares", {"x": {"a": 2, "b": 0}, "y": {"a": 0, "b": 0}}),
        ("test_target", {"x": {"a": "1", "b": 0}, "y": {"a": 0, "b": 0}}),
        ("test_target", [1]),
    ],
)
def test_a_damaged_test_set_is_refused(field, value) -> None:
    document = json.loads(RunConfig(**FOUND).canonical_json()) | {field: value}
    with pytest.raises(InputError, match="not a run configuration"):
        RunConfig.from_json(json.dumps(document))
