from __future__ import annotations

import pytest

from core.config import Recipe, RunConfig
from core.errors import InputError


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
