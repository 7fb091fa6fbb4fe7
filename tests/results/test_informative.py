from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.attribution import store
from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.corpora.corpus import load
from core.results import informative
from tests.helpers.started import small_study

KEY = "gaussian_process-16@0.01"


def test_tokens_that_touch_a_span_are_informative() -> None:
    text = "the room was very good."
    tokens = ["the", " room", " was", " very", " go", "od", "."]
    found = informative.informative_tokens(text, tokens, [(13, 22)])
    assert found.tolist() == [False, False, False, True, True, True, False]
    assert informative.informative_tokens("good good", ["good", " good"], [(5, 9)]).tolist() == [
        False,
        True,
    ]
    assert not informative.informative_tokens(text, tokens, []).any()


def test_the_share_is_that_of_a_plain_loop(explained: Path, monkeypatch) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
    run = studies.run_ids("small")[0]
    corpus = load(run_folders.read_config(run).corpus)
    rows = {r["row"]: r for r in corpus.table.to_pylist()}
    outside = total = 0.0
    for found in store.table(run, KEY).to_pylist():
        text, at = rows[found["row"]]["text"], 0
        spans = [range(s["start"], s["end"]) for s in rows[found["row"]]["informative"]]
        for token, value in zip(found["tokens"], found["values"], strict=True):
            at = text.index(token.strip(), at)
            places = range(at, at + len(token.strip()))
            total += abs(value)
            outside += 0 if any(set(places) & set(s) for s in spans) else abs(value)
    share = informative.uninformative_share(run, KEY, corpus)
    assert share.value == pytest.approx(outside / total)
    assert share.low <= share.value <= share.high
    listed = informative.of_study(small_study(), KEY, corpus)
    assert listed[0]["share"] == share.value and len(listed) == 4
    assert not np.isnan([r["share"] for r in listed]).any()


def test_other_corpora_do_not_know(explained: Path, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
    (tmp_path / "c.csv").write_text("text,label,language\na,x,en\nb,y,en\n")
    assert informative.of_study(small_study(), KEY, load(str(tmp_path / "c.csv"))) == []


def test_a_column_of_that_name_is_nobody_s_spans(tmp_path, capsys) -> None:
    """As tables of tweets on crises have it: informative, yes or no."""
    lines = ["text,label,language,split,informative"] + [
        f"the {label} red {language} {i},{label},{language},{split},{'yes' if i % 2 else 'no'}"
        for language in ("en", "fr")
        for label in ("bad", "good")
        for split in ("train", "validation", "test")
        for i in range(8)
    ]
    (tmp_path / "c.csv").write_text("\n".join(lines))
    (tmp_path / "inf.toml").write_text(
        'corpus = "c.csv"\nsetups = ["balanced"]\nencoder = "tiny"\nnulls = 0\n'
        'groups = [["en"], ["fr"]]\n[training]\nepochs = 1\nbatch_size = 8\n'
        "accumulation = 1\nmax_length = 16\n"
    )
    assert main(["study", str(tmp_path / "inf.toml")]) == 0
    capsys.readouterr()
    assert main(["attribute", "inf", "--per-language", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["uninformative"] == []
