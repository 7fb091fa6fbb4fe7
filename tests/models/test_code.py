"""A model brings no code: one that names some is refused before anything of it is loaded."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.checkpoints import run_folders
from core.corpora.corpus import load as load_corpus
from core.errors import InputError
from core.models import classifier, encoder, hub, imported
from core.models.session import Session
from core.training.import_model import import_model

ROOT = Path(__file__).parents[2]
CLASSES = ("Config", "Model", "ModelForSequenceClassification", "ModelForTokenClassification")
AUTO_MAP = {f"Auto{name}": f"mine.Mine{name}" for name in CLASSES}
AUTO_MAP["AutoTokenizer"] = ["mine.MineTokenizer", "mine.MineTokenizer"]
KINDS: list[tuple[str, dict[str, object]]] = [
    ("config.json", {"auto_map": AUTO_MAP}),
    ("config.json", {"text_config": {"auto_map": AUTO_MAP}}),
    ("config.json", {"custom_pipelines": {"mine": {"impl": "mine.MinePipeline"}}}),
    ("config.json", {"_attn_implementation": "somebody/kernel"}),
    ("tokenizer_config.json", {"auto_map": AUTO_MAP}),
    ("tokenizer_config.json", {"auto_map": AUTO_MAP["AutoTokenizer"]}),
    ("processor_config.json", {"auto_map": {"AutoProcessor": "mine.MineProcessor"}}),
]


def add_code(folder: Path, marker: Path, file: str, entries: dict[str, object]) -> None:
    """Into a model's folder, code that leaves a marker wherever it is run."""
    (folder / "mine.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    path = folder / file
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | entries))


@pytest.fixture
def model(trained, tmp_path) -> Path:
    """The model of a run of the small study, copied."""
    run = next(path.parent for path in sorted(trained.glob("*/COMPLETE")))
    shutil.copytree(run / "model", tmp_path / "model")
    shutil.copy(run / "config.json", tmp_path / "config.json")
    return tmp_path / "model"


@pytest.mark.parametrize(("file", "entries"), KINDS)
def test_every_loader_refuses_code(model, done, tmp_path, monkeypatch, file, entries) -> None:
    marker = tmp_path / "marker"
    add_code(model, marker, file, entries)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    corpus = load_corpus("synthetic")
    config = run_folders.read_config(next(done.glob("*/COMPLETE")).parent.name)
    loaders: dict[str, Callable[[], object]] = {
        "where it is": lambda: hub.locate(str(model)),
        "an encoder": lambda: encoder.load(str(model), corpus),
        "a study's tokenizer": lambda: Session().encoder_revision(str(model), corpus),
        "a classifier": lambda: classifier.read(model),
        "a run's model": lambda: imported.open_model(model, config),
        "a model from elsewhere": lambda: import_model(
            model, corpus, test={"test_per_language": 3}, report=lambda what, share: None
        ),
    }
    for load in loaders.values():
        with pytest.raises(InputError, match=rf"^\S+/{file} names code to be run .*LangSkew runs"):
            load()
    assert not marker.exists()


def test_a_model_of_the_hub_is_refused_too(model, tmp_path, monkeypatch) -> None:
    """Laid out as in the hub's cache, where the files are links."""
    commit = "0" * 40
    repository = tmp_path / "hub/models--somebody--model"
    shutil.copytree(model, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert hub.locate("somebody/model") == (repository / "snapshots" / commit, commit)
    snapshot = repository / "snapshots" / commit
    blob = tmp_path / "blob"
    add_code(snapshot, tmp_path / "marker", "config.json", {"auto_map": AUTO_MAP})
    (snapshot / "config.json").rename(blob)
    (snapshot / "config.json").symlink_to(blob)
    with pytest.raises(InputError, match=r"config\.json names code to be run"):
        hub.locate("somebody/model")


@pytest.mark.parametrize("answer", ["y\n", ""])
@pytest.mark.parametrize("command", ["import", "study"])
def test_the_command_line_says_so_and_asks_nothing(
    model, study_file, tmp_path, command, answer
) -> None:
    marker = tmp_path / "marker"
    add_code(model, marker, "config.json", {"auto_map": AUTO_MAP})
    corpus = str(study_file.parent / "reviews.parquet")
    arguments = {
        "import": ["import", str(model), "--corpus", corpus],
        "study": ["study", str(study_file), "--encoder", str(model)],
    }[command]
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        input=answer,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "LANGSKEW_CHECKPOINTS": str(tmp_path / "checkpoints")},
    )
    assert done.returncode == 2, done.stderr
    said = done.stderr.strip().splitlines()
    assert "names code to be run with the model (auto_map)" in said[-1]
    assert "Traceback" not in done.stderr and "[y/N]" not in done.stdout + done.stderr
    assert not marker.exists()


def test_settings_without_code_are_no_reason(model) -> None:
    path = model / "config.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"auto_map": {}, "_attn_implementation": "eager"}))
    hub.refuse_code(model)
    (model / "broken.json").write_text("[" * 100_000)
    hub.refuse_code(model)


def test_the_switch_is_off_wherever_a_model_is_loaded() -> None:
    found = []
    for path in sorted((ROOT / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in ("from_pretrained", "from_config"):
                given = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert given.get("trust_remote_code") == "False", f"{path}:{node.lineno}"
                found.append(node)
    assert len(found) >= 9
