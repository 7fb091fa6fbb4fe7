from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.attribution import store
from core.attribution.result import Sentence
from core.attribution.typed_text import MOST, read_sentences
from core.checkpoints import run_folders, studies
from core.errors import InputError


def silent(what: str, share: float) -> None:
    pass


@pytest.fixture(autouse=True)
def _kept(explained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))


def test_a_text_of_the_test_set_gets_what_is_stored_of_it() -> None:
    from core.corpora.corpus import load

    runs = studies.run_ids("small")
    [stored] = store.read(
        "SELECT * FROM attributions WHERE class = 'negative' ORDER BY row LIMIT 1",
        store.files(runs[:1], "gaussian_process-16@0.01"),
    ).to_dict("records")
    table = load(run_folders.read_config(runs[0]).corpus).table.to_pandas().set_index("row")
    text = Sentence(table.loc[stored["row"], "text"])
    found = read_sentences(runs, [text], silent, attributed=True)
    own = found["sentences"][0]["runs"][runs[0]]
    at = found["labels"].index("negative")
    assert own["tokens"]["tokens"] == list(stored["tokens"])
    np.testing.assert_allclose(
        np.array(own["tokens"]["values"])[:, at], stored["values"], atol=1e-6
    )
    assert own["output"][at] == pytest.approx(stored["output"], abs=1e-6)
    assert own["tokens"]["base"][at] == pytest.approx(stored["base"], abs=1e-6)
    assert own["unknown"] == 0 and not own["cut"]
    assert list(found["sentences"][0]["runs"]) == runs


def test_several_texts_are_read_as_each_is_alone() -> None:
    runs = studies.run_ids("small")[:2]
    texts = [Sentence("The room was excellent and quiet."), Sentence("bad", language="en")]
    together = read_sentences(runs, texts, silent)
    assert len(together["sentences"]) == 2
    for text, found in zip(texts, together["sentences"], strict=True):
        [alone] = read_sentences(runs, [text], silent)["sentences"]
        [whole] = read_sentences(runs, [text], silent, attributed=True)["sentences"]
        for run in runs:
            assert "tokens" not in found["runs"][run]
            assert found["runs"][run]["output"] == pytest.approx(alone["runs"][run]["output"])
            assert found["runs"][run]["output"] == pytest.approx(
                whole["runs"][run]["output"], abs=1e-6
            )
    first, second = (x["runs"][runs[0]]["output"] for x in together["sentences"])
    assert first != second


def test_a_text_longer_than_what_a_run_reads_is_said_to_be_cut() -> None:
    [run] = studies.run_ids("small")[:1]
    texts = [Sentence("good " * 5), Sentence("good " * 50)]
    found = read_sentences([run], texts, silent)["sentences"]
    assert [text["runs"][run]["cut"] for text in found] == [False, True]


def test_words_that_the_vocabulary_lacks_are_counted() -> None:
    [run] = studies.run_ids("small")[:1]
    [found] = read_sentences([run], [Sentence("Ω")], silent, attributed=True)["sentences"]
    own = found["runs"][run]
    assert own["unknown"] == len(own["tokens"]["tokens"]) == 1
    assert own["tokens"]["tokens"] == ["Ω"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["  "], "the text is empty"),
        (["a", "a" * 5000], "5000 characters; at most"),
        ([], "0 texts were given"),
        (["a"] * (MOST + 1), f"1 to {MOST} can be read"),
    ],
)
def test_what_cannot_be_read_is_refused(texts, message) -> None:
    with pytest.raises(InputError, match=message):
        read_sentences(studies.run_ids("small")[:1], [Sentence(x) for x in texts], silent)


@pytest.mark.parametrize("document", [None, [], {}, {"text": 1}, {"text": "a", "language": 2}])
def test_what_is_no_sentence_is_refused(document) -> None:
    with pytest.raises(ValueError, match="expected"):
        Sentence.read(document)
