"""Files as this version finds and leaves them: what others wrote opens, what it writes is known."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from core.attribution import store
from core.attribution.result import Attribution
from core.checkpoints import run_folders, studies
from core.checkpoints.studies import Member
from core.cli.main import main
from core.config import Recipe, RunConfig
from core.jobs import queue
from core.results import index
from core.storage import places
from core.studies import planning, study
from core.studies.study import Study

CONFIG = (
    '{"corpus":"reviews.csv","corpus_hash":"h","encoder":"tiny","encoder_revision":"r",'
    '"labels":["schlecht","gut"],"languages":["de","fr"],"seed":0,"setup":"balanced","shares":'
    '{"de":{"gut":0.25,"schlecht":0.25},"fr":{"gut":0.25,"schlecht":0.25}},'
    '"test_per_language":4,"train_per_language":10,"training":{"epochs":1,"trim":false},'
    '"validation_per_language":6}'
)
STUDY = """name = "own"
corpus = "synthetic"
setups = [
    "balanced",
    "imbalanced",
]
encoder = "tiny"
design = "linear"
groups = [
    [
        "fr",
    ],
    [
        "de",
    ],
]
seeds = [
    0,
]
nulls = 1
train_per_language = 30
runs = [
    { run = "0123456789abcdef", setup = "balanced", seed = 0 },
]

[training]
epochs = 1
"""
WAITING = {
    "kind": "attribute",
    "name": "demo",
    "arguments": {"study": "demo"},
    "order": 1,
    "asked": 1.5,
    "by": "a@b",
    "state": "queued",
    "message": "",
    "result": None,
}
ATTRIBUTIONS = {
    "row": "string",
    "sentence": "string",
    "language": "string",
    "label": "string",
    "class": "string",
    "base": "double",
    "output": "double",
    "tokens": "list<element: string>",
    "positions": "list<element: int32>",
    "words": "list<element: int32>",
    "values": "list<element: double>",
    "errors": "list<element: double>",
    "evaluations": "int32",
    "seconds": "double",
}
INDEX = {
    "runs": {
        "run": "VARCHAR",
        "state": "VARCHAR",
        "message": "VARCHAR",
        "setup": "VARCHAR",
        "seed": "INTEGER",
        "corpus": "VARCHAR",
        "encoder": "VARCHAR",
        "accuracy": "DOUBLE",
        "config": "JSON",
        "metrics": "JSON",
    },
    "studies": {"study": "VARCHAR", "run": "VARCHAR"},
    "measures": {
        "study": "VARCHAR",
        "run": "VARCHAR",
        "measure": "VARCHAR",
        "language": "VARCHAR",
        "class": "VARCHAR",
        "value": "DOUBLE",
        "low": "DOUBLE",
        "high": "DOUBLE",
        "n": "BIGINT",
        "unit": "VARCHAR",
    },
    "predictions": {
        "run": "VARCHAR",
        "row": "VARCHAR",
        "sentence": "VARCHAR",
        "language": "VARCHAR",
        "label": "VARCHAR",
        "p_negative": "FLOAT",
        "p_neutral": "FLOAT",
        "p_positive": "FLOAT",
    },
}
PARQUET = {
    "predictions": "row sentence language label p_negative p_neutral p_positive",
    "embeddings": "row sentence language label cls",
    "base_values": "length texts p_negative p_neutral p_positive",
    "subset": "row split",
}
METRICS = """
(top):
    accuracy accuracy_by_language accuracy_ci device evaluation_seconds full_vocabulary
    n_test n_train n_validation seconds test_loss training versions vocabulary
accuracy_by_language:
    *
accuracy_by_language.*:
    accuracy high low n
training:
    accumulation batch_size best_epoch best_step seconds steps validation_loss
    validation_loss_unweighted
versions:
    Python accelerate altair duckdb langskew numpy pandas pyarrow safetensors scikit-learn
    scipy shap tokenizers torch transformers umap-learn
"""
# Keys of `show --json`, level under level; [] is a list, * any language, label or group of them.
SHOW_STUDY = """
(top):
    comparisons corpus encoder groups labels languages runs study training_shares
comparisons[]:
    a b beyond_chance ci covers difference margin measure method n_seeds p spread verdict
    within_margin
comparisons[].spread:
    one_seed seeds sentences
runs[]:
    accuracy accuracy_by_language accuracy_ci base_values best_epoch calibration confusion
    language_effect language_effect_ci language_effect_null language_effect_observed
    language_effect_p language_effect_sentences message n_test n_train n_validation null
    predictions predictions_by_group probe reliability run seconds seed setup skew_uptake
    skew_uptake_by_class skew_uptake_by_language skew_uptake_ci soft_predictions
    soft_uptake soft_uptake_ci state training_shares truth validation_loss
runs[].accuracy_by_language:
    *
runs[].accuracy_by_language.*:
    accuracy high low n
runs[].base_values:
    distance_from_uniform mean n
runs[].base_values.mean:
    *
runs[].calibration:
    * all
runs[].calibration.*:
    ece n rms rms_ci
runs[].calibration.all:
    ece n rms rms_ci
runs[].confusion:
    *
runs[].confusion.*:
    *
runs[].confusion.*.*:
    *
runs[].predictions:
    *
runs[].predictions.*:
    *
runs[].predictions_by_group:
    *
runs[].predictions_by_group.*:
    *
runs[].probe:
    original
runs[].probe.original:
    accuracy accuracy_released before_fine_tuning before_fine_tuning_knn
    before_fine_tuning_released chance dimension folds knn n
runs[].reliability[]:
    accuracy confidence high language low n
runs[].skew_uptake_by_class:
    *
runs[].skew_uptake_by_class.*:
    ci value
runs[].skew_uptake_by_language:
    *
runs[].skew_uptake_by_language.*:
    ci value
runs[].soft_predictions:
    *
runs[].soft_predictions.*:
    *
runs[].training_shares:
    *
runs[].training_shares.*:
    *
runs[].truth:
    *
runs[].truth.*:
    *
training_shares:
    *
training_shares.*:
    *
"""
SHOW_RUN = """
(top):
    accuracy accuracy_by_language accuracy_ci base_values best_epoch calibration config
    confusion language_effect language_effect_ci message n_test n_train n_validation
    predictions probe reliability run seconds skew_uptake skew_uptake_by_class
    skew_uptake_by_language skew_uptake_ci soft_predictions soft_uptake soft_uptake_ci
    state training_shares truth validation_loss
accuracy_by_language:
    *
accuracy_by_language.*:
    accuracy high low n
base_values:
    distance_from_uniform mean n
base_values.mean:
    *
calibration:
    * all
calibration.*:
    ece n rms rms_ci
calibration.all:
    ece n rms rms_ci
config:
    corpus corpus_hash encoder encoder_revision labels languages seed setup shares
    test_per_language train_per_language training validation_per_language
config.shares:
    *
config.shares.*:
    *
config.training:
    accumulation epochs head_learning_rate learning_rate max_length
confusion:
    *
confusion.*:
    *
confusion.*.*:
    *
predictions:
    *
predictions.*:
    *
probe:
    original
probe.original:
    accuracy accuracy_released before_fine_tuning before_fine_tuning_knn
    before_fine_tuning_released chance dimension folds knn n
reliability[]:
    accuracy confidence high language low n
soft_predictions:
    *
soft_predictions.*:
    *
training_shares:
    *
training_shares.*:
    *
truth:
    *
truth.*:
    *
"""
SHOW_ATTRIBUTIONS = """
(top):
    cost counted cross_fitted decomposition key labels languages left_out missing
    over_seeds reference reliance rows sides study texts threshold token_shares
    uninformative
cost:
    evaluations seconds standard_error texts tokens
cross_fitted:
    imbalanced imbalanced+cw
cross_fitted.imbalanced:
    pairs seeds texts
cross_fitted.imbalanced+cw:
    pairs seeds texts
decomposition[]:
    between_balanced ci crossed crossed_ci mean n_texts part reference run seed setup
over_seeds:
    decomposition rows sides
over_seeds.decomposition[]:
    between_balanced ci covers crossed crossed_ci crossed_p mean n_seeds n_texts p part
    setup
over_seeds.rows[]:
    between_balanced ci covers crossed crossed_ci crossed_p crossed_per_token
    crossed_tokens group label language mean n_seeds n_texts n_tokens p per_token setup
    side
over_seeds.sides[]:
    between_balanced ci covers crossed crossed_ci crossed_p group label mean n_seeds
    n_texts p setup side
reliance[]:
    base base_ci ci covers cross_fitted n_seeds n_texts neutral_share_of_tokens setup
    share share_ci standard_error threshold tokens tokens_ci total total_ci value
rows[]:
    between_balanced ci crossed crossed_ci crossed_per_token crossed_tokens group label
    language mean n_texts n_tokens per_token reference run seed setup side
sides[]:
    between_balanced ci crossed crossed_ci group label mean n_texts reference run seed
    setup side
token_shares[]:
    * label n seed
uninformative[]:
    ci run seed setup share
"""


@pytest.fixture
def own(request, tmp_path, monkeypatch) -> Callable[[str], None]:
    """Makes the checkpoints a copy of those of a fixture."""

    def copy(name: str) -> None:
        folder = tmp_path / "checkpoints"
        shutil.copytree(request.getfixturevalue(name), folder)
        monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(folder))

    return copy


def keys(document: Any, names: set[str], path: str = "") -> Iterator[str]:
    """Paths of all keys."""
    if isinstance(document, dict):
        for key, value in document.items():
            here = f"{path}.{'*' if set(key.split()) <= names else key}"
            yield here.removeprefix(".")
            yield from keys(value, names, here)
    elif isinstance(document, list):
        for value in document:
            yield from keys(value, names, f"{path}[]")


def _filled(names: set[str]) -> str:
    wrapper = textwrap.TextWrapper(86, break_long_words=False, break_on_hyphens=False)
    return wrapper.fill(" ".join(sorted(names)))


def tree(document: Any) -> str:
    """Keys of a document as lines: those of one level under the path that leads to them."""
    names = {"de", "en", "es", "fr", "ja", "zh", "negative", "neutral", "positive"}
    levels: dict[str, set[str]] = {}
    for path in keys(document, names):
        head, _, key = path.rpartition(".")
        levels.setdefault(head, set()).add(key)
    lines = []
    for head, found in sorted(levels.items()):
        lines += [f"{head or '(top)'}:", textwrap.indent(_filled(found), "    ")]
    return "\n".join(["", *lines, ""])


def shown(capsys, *command: str) -> str:
    assert main([*command, "--json"]) == 0
    return tree(json.loads(capsys.readouterr().out))


def test_a_config_is_written_and_read_as_ever() -> None:
    config = RunConfig.from_json(CONFIG)
    assert config.canonical_json() == CONFIG
    assert config.training == Recipe(epochs=1, trim=False)
    run = run_folders.create(config)
    assert (places.checkpoints_dir() / run / "config.json").read_text() == CONFIG


def test_a_started_study_is_written_and_read_as_ever() -> None:
    asked = Study(
        "own",
        "synthetic",
        ("balanced", "imbalanced"),
        "tiny",
        groups=(("fr",), ("de",)),
        train_per_language=30,
        training=Recipe(epochs=1),
    )
    members = [Member("0123456789abcdef", "balanced", 0)]
    planning.record_members(asked, members)
    file = places.checkpoints_dir() / "studies" / "own" / "study.toml"
    assert file.read_text() == STUDY
    assert study.read("own") == asked
    (read,) = studies.read_started("own").members
    assert (read.run, read.setup, read.seed) == ("0123456789abcdef", "balanced", 0)


def test_a_job_is_written_and_read_as_ever(monkeypatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1.5)
    job = queue.enqueue("attribute", "demo", {"study": "demo"}, "a@b")
    file = places.checkpoints_dir() / "queue" / "waiting" / "attribute-demo.json"
    assert json.loads(file.read_text()) == WAITING
    assert queue.find("attribute-demo") == job
    claimed = queue.claim(["attribute"])
    assert claimed is not None
    assert (places.checkpoints_dir() / "queue" / "running" / "attribute-demo.json").exists()
    queue.finish(claimed, "done", result={"texts": 3})
    ended = places.checkpoints_dir() / "queue" / "ended" / "attribute-demo.json"
    assert json.loads(ended.read_text()) == WAITING | {"state": "done", "result": {"texts": 3}}


def test_attributions_are_written_and_read_as_ever() -> None:
    one = np.array([[0.1, -0.1]])
    found = Attribution(
        "exact", ("a",), np.array([1]), (0,), one, None, np.array([0.4, 0.6]), one[0] + 0.5, 2
    )
    text = {"row": "r", "sentence": "s", "language": "de", "label": "gut"}
    key = store.key("gaussian_process", 64, 0.01)
    assert (key, store.key("partition", 8)) == ("gaussian_process-64@0.01", "partition-8")
    store.write("run", key, [text], [found], ("schlecht", "gut"), 0.5)
    file = places.checkpoints_dir() / "run" / "attributions" / key / "00000.parquet"
    schema = pq.read_schema(file)
    assert {field.name: str(field.type) for field in schema} == ATTRIBUTIONS
    assert schema.metadata is None
    assert pq.read_table(file).to_pylist()[1] == {
        **text,
        "class": "gut",
        "base": 0.6,
        "output": 0.4,
        "tokens": ["a"],
        "positions": [1],
        "words": [0],
        "values": [-0.1],
        "errors": None,
        "evaluations": 2,
        "seconds": 0.5,
    }


def test_a_runs_tables_have_the_columns_they_had(done: Path) -> None:
    run = done / studies.run_ids("small")[0]
    found = {name: " ".join(pq.read_schema(run / f"{name}.parquet").names) for name in PARQUET}
    assert found == PARQUET
    assert tree(json.loads((run / "metrics.json").read_text())) == METRICS


def test_the_index_has_the_columns_it_had(own) -> None:
    own("trained")
    path = index.publish()
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "ORDER BY ordinal_position"
        ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    assert found == INDEX


def test_show_has_the_keys_it_had(done: Path, capsys) -> None:
    assert shown(capsys, "show", "small") == SHOW_STUDY
    assert shown(capsys, "show", studies.run_ids("small")[0]) == SHOW_RUN


def test_attribute_has_the_keys_it_had(own, capsys) -> None:
    own("three_seeds")
    assert shown(capsys, "attribute", "small", "--per-language", "3") == SHOW_ATTRIBUTIONS
