"""Setups by their names."""

from __future__ import annotations

import ast
import sys
from itertools import combinations, permutations
from pathlib import Path

import pytest

from core.config import RunConfig
from core.errors import InputError
from core.mitigation import setups
from core.studies.study import Study

PAPER = ("balanced", "imbalanced", "imbalanced+cw")


@pytest.mark.parametrize("name", [*PAPER, *(f"{s}+entropy" for s in PAPER)])
def test_the_papers_setups_keep_their_names(name) -> None:
    assert setups.parse(name).name == name
    assert setups.parse(name).trained == name


@pytest.mark.parametrize("name", setups.suggested())
def test_what_a_form_offers_can_be_asked_for(name) -> None:
    found = setups.parse(name)
    Study("s", "c", tuple(dict.fromkeys([found.trained, name])))
    assert (found.correction is None) == (found.trained == name)


def test_every_mitigation_says_what_it_is_and_brings_something() -> None:
    brings = {
        *("weights", "draw", "added", "reshaped", "reweighed", "language_loss", "correct"),
        "SCHEME",
    }
    for name, module in setups.modules().items():
        scheme = module.SCHEME
        assert scheme.title and scheme.about and any(c.isdigit() for c in scheme.source), name
        found = {x for x in brings if hasattr(module, x)}
        assert len(found) > 1 or name == "entropy"
        assert hasattr(module, "correct") == (scheme.stage == "after")
        assert hasattr(module, "draw") == (scheme.stage == "data")


def test_no_other_file_names_a_mitigation() -> None:
    """But for the paper's own, and what a mitigation takes from another."""
    root = Path(setups.__file__).parents[2]
    modules = {n.replace("-", "_") for n in setups.modules()} - {"cw", "entropy"}
    for path in [*(root / "core").rglob("*.py"), *(root / "pages").rglob("*.py")]:
        if path.parent.name == "mitigation":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [a.name for a in node.names] if isinstance(node, ast.ImportFrom) else []
            assert not (
                getattr(node, "module", None) == "core.mitigation" and modules & set(named)
            ), path


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("imbalanced+entropy+cw", "write 'imbalanced\\+cw\\+entropy'"),
        ("imbalanced+cw+cw", "twice"),
        ("imbalanced+cv", "unknown 'cv'; known mitigations are"),
        ("skewed+cw", "begins with 'skewed'; expected balanced or imbalanced"),
        ("imbalanced+cw+prior", "cw and prior do the same"),
        ("imbalanced+undersample+logit-adjust", "do the same thing"),
        ("imbalanced+last-layer+leace", "correct|another order|same"),
        ("", "begins with ''"),
        ("imbalanced+", "unknown ''"),
    ],
)
def test_what_is_no_setup_is_refused_in_three_parts(name, told) -> None:
    with pytest.raises(InputError, match=told):
        setups.parse(name)


def test_mitigations_have_one_order_whichever_go_together() -> None:
    for pair in combinations(setups.modules(), 2):
        read = []
        for order in permutations(pair):
            try:
                read.append(setups.parse("+".join(["imbalanced", *order])))
            except InputError:
                continue
        assert len(read) <= 1


def test_a_correction_needs_the_setup_that_it_corrects() -> None:
    with pytest.raises(InputError, match="corrects the model of imbalanced, which is not among"):
        Study("s", "c", ("balanced", "imbalanced+prior"))


def test_the_run_that_is_corrected_differs_in_its_setup_alone() -> None:
    shares = {"de": {"a": 0.5, "b": 0.5}}
    config = RunConfig(
        *("imbalanced+focal+prior", 3, "c", "h", ("a", "b"), ("de",), "e", "r", shares, 5, 5, 5)
    )
    before = setups.trained(config)
    assert before.setup == "imbalanced+focal"
    assert before.run_id != config.run_id
    assert setups.trained(before) == before
    assert RunConfig.from_json(config.canonical_json()) == config


def test_names_and_words_of_mitigations_need_no_torch() -> None:
    import subprocess

    code = "import sys; from core.mitigation import setups; setups.schemes(); "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
