"""What can be asked for, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from core.studies import study
from core.studies.study import Study, from_document
from tests.conftest import SMALL_STUDY


def write(folder: Path, text: str) -> Path:
    path = folder / "other.toml"
    path.write_text(text)
    return path


def test_the_shipped_studies_read() -> None:
    demo = study.read("demo")
    assert demo.corpus == "multiemo"
    assert demo.training.frozen_layers == 8
    assert study.read("synthetic").encoder == "tiny"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('encoder = "tiny"', 'encoders = "tiny"', "unknown key encoders; known are name, corpus"),
        ('corpus = "reviews.parquet"', "", "corpus missing"),
        (
            '"imbalanced+cw"',
            '"imbalanced+x"',
            r"setup 'imbalanced\+x': unknown 'x'; known mitigations",
        ),
        ('"imbalanced+cw"', '"balanced"', "expected one or more, each once"),
        ("train_per_language = 30", "train_per_language = 0", "train_per_language is 0"),
        ("epochs = 2", "epoch = 2", "known keys are epochs, batch_size"),
        ("epochs = 2", 'epochs = "two"', r"epochs is 'two'; expected int"),
        ('name = "small"', 'name = "../small"', "study name is '../small'"),
        ('name = "small"', 'name = ""', "study name is ''"),
        ('name = "small"', "seeds = [0.5]", "seeds is .0.5.; expected a list of int"),
        ('name = "small"', "seeds = [-1]", "seeds has .-1."),
        ('name = "small"', "strength = -0.5", "strength is -0.5; expected a number from 0"),
        ('name = "small"', "strength = nan", "strength is nan"),
        ('name = "small"', "strength = true", "strength is True"),
        ('name = "small"', 'groups = ["fr"]', "groups is .'fr'.; expected two lists"),
        ('name = "small"', "name = ", "is not TOML"),
    ],
)
def test_a_wrong_study_is_refused_by_name(study_file, tmp_path, old, new, message) -> None:
    assert old in SMALL_STUDY
    with pytest.raises(InputError, match=message):
        study.read(str(write(tmp_path, SMALL_STUDY.replace(old, new, 1))))


def test_an_unknown_study_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="shipped are amazon-mbert, .* demo-entropy, .*, started"):
        study.read("dmeo")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/x", ".x", "-x", "a/b", "a\\b", "a\0", "a\n", "a b", "x" * 101,
             "é" * 51, "\u202ex", "=x", "<b>"]
)  # fmt: skip
def test_a_name_that_is_no_plain_word_is_refused(name) -> None:
    with pytest.raises(InputError, match="study name"):
        Study(name=name, corpus="synthetic", setups=("balanced",))


@pytest.mark.parametrize("name", ["x", "demo-2", "a.b_c", "étude", "研究", "0", "x" * 100])
def test_a_plain_word_is_a_name(name) -> None:
    assert Study(name=name, corpus="synthetic", setups=("balanced",)).name == name


@pytest.mark.parametrize("key", ["corpus", "external", "encoder"])
@pytest.mark.parametrize("value", ["x" * 300, "~nobody-of-that-name/x", "a\0b"])
def test_what_can_be_no_file_is_named(key, value, tmp_path) -> None:
    document = {"corpus": "synthetic", "setups": ["balanced"], key: value}
    with pytest.raises(InputError, match="cannot be the name of a file"):
        from_document(document, tmp_path / "s.toml")
