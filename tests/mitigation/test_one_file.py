"""A mitigation is one file: the one in CONTRIBUTING.md, tried as it stands there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import core.mitigation
from core.charts.palette import setup_look
from core.errors import InputError
from core.mitigation import setups, snippet
from core.results import mitigations, names

COUNTS = pd.DataFrame([[1, 4], [4, 1]], index=["de", "fr"], columns=["bad", "good"])


def forget() -> None:
    """What is kept of which mitigations there are."""
    for kept in (setups.modules, setups.parse, names.further_setups):
        kept.cache_clear()


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "root_cw.py").write_text(code[0], encoding="utf-8")
    monkeypatch.setattr(core.mitigation, "__path__", [*core.mitigation.__path__, str(tmp_path)])
    forget()
    yield
    sys.modules.pop("core.mitigation.root_cw", None)
    vars(core.mitigation).pop("root_cw", None)
    forget()


def test_one_file_makes_a_setup_with_all_that_belongs_to_it(added) -> None:
    assert "root-cw" in setups.schemes()
    setup = setups.parse("imbalanced+root-cw")
    weights = setup.weights(COUNTS)["train"]
    assert weights.loc["de", "bad"] == pytest.approx(np.sqrt(5 / 2))
    assert "imbalanced+root-cw" in setups.suggested()
    assert "imbalanced+root-cw" in names.further_setups()
    assert all(setup_look("imbalanced+root-cw"))
    assert "root-cw" in {row["name"] for row in mitigations.scheme_rows()}
    compile(snippet.source(setup, COUNTS), "source", "exec")
    with pytest.raises(InputError, match="root-cw needs rows in every cell"):
        setup.check(COUNTS.replace(1, 0), COUNTS)
    with pytest.raises(InputError, match="write 'imbalanced\\+root-cw\\+entropy'"):
        setups.parse("imbalanced+entropy+root-cw")


def test_without_it_the_name_is_unknown() -> None:
    with pytest.raises(InputError, match="unknown 'root-cw'; known mitigations are"):
        setups.parse("imbalanced+root-cw")
