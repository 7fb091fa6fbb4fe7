from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.attribution import store
from core.attribution.typed_text import explain_sentence
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
    found = explain_sentence(runs, table.loc[stored["row"], "text"], None, silent)
    own = found["runs"][runs[0]]
    at = found["labels"].index("negative")
    assert own["tokens"] == list(stored["tokens"])
    np.testing.assert_allclose(np.array(own["values"])[:, at], stored["values"], atol=1e-6)
    assert own["output"][at] == pytest.approx(stored["output"], abs=1e-6)
    assert own["unknown"] == 0
    assert list(found["runs"]) == runs


def test_words_that_the_vocabulary_lacks_are_counted() -> None:
    [run] = studies.run_ids("small")[:1]
    found = explain_sentence([run], "Ω", None, silent)["runs"][run]
    assert found["unknown"] == len(found["tokens"]) == 1
    assert found["tokens"] == ["Ω"]


@pytest.mark.parametrize(
    ("text", "message"), [("  ", "the text is empty"), ("a" * 5000, "5000 characters; at most")]
)
def test_what_cannot_be_explained_is_refused(text, message) -> None:
    with pytest.raises(InputError, match=message):
        explain_sentence(studies.run_ids("small")[:1], text, None, silent)
