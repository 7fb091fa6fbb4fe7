"""What the tests of all pages share."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from core.checkpoints import studies

ROOT = Path(__file__).parents[2]
APP = str(ROOT / "app.py")


@pytest.fixture
def copied(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained checkpoints, to be changed."""
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


@pytest.fixture
def attributed(explained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The study with attributions of three texts a language, to be changed."""
    shutil.copytree(explained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


@pytest.fixture
def half_done(copied: Path) -> Path:
    """The imbalanced run is still queued."""
    run = copied / studies.run_ids("small")[1]
    (run / "COMPLETE").unlink()
    (run / "status.json").write_text(json.dumps({"state": "queued", "message": ""}))
    return copied


@pytest.fixture
def broken(copied: Path) -> Path:
    """Files of two runs do not read; another folder has lost its config."""
    ids = studies.run_ids("small")
    (copied / ids[0] / "predictions.parquet").write_bytes(b"PAR1")
    (copied / ids[0] / "subset.parquet").write_bytes(b"PAR1")
    (copied / ids[2] / "config.json").write_text("{")
    (copied / "0123456789abcdef").mkdir()
    (copied / "0123456789abcdef" / "status.json").write_text("{}")
    return copied


@pytest.fixture
def unsound(copied: Path) -> Path:
    """The runs are of the version that evaluated frozen layers with dropout."""
    for run_id in studies.run_ids("small"):
        path = copied / run_id / "config.json"
        config = json.loads(path.read_text())
        config["training"]["frozen_layers"] = 1
        path.write_text(json.dumps(config))
        (copied / run_id / "FORMAT").unlink()
    return copied


@pytest.fixture
def varied(copied: Path) -> Path:
    """The runs predict at random: what they say differs between languages and runs."""
    rng = np.random.default_rng(0)
    for run_id in studies.run_ids("small"):
        path = copied / run_id / "predictions.parquet"
        table = pq.read_table(path)
        values = rng.dirichlet([1, 1, 1], table.num_rows).astype(np.float32)
        for i, name in enumerate(x for x in table.column_names if x.startswith("p_")):
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.array(values[:, i]))
        pq.write_table(table, path)
    return copied


Open = Callable[..., AppTest]


def run_page(page: str, **view: str | list[str]) -> AppTest:
    """A page of the app by its file's name, with a view in the address bar; Data with a study."""
    if page == "data":
        view.setdefault("look", "the sets of a study")
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in view.items():
        app.query_params[name] = value
    return app.run() if page == "overview" else app.switch_page(f"pages/{page}.py").run()


@pytest.fixture
def open_page() -> Open:
    """`run_page`."""
    return run_page


def texts(app: AppTest, kind: str) -> str:
    """All texts of one kind of element, without the backslashes of Markdown."""
    return "\n".join(str(element.value) for element in app.get(kind)).replace("\\", "")


def charts(app: AppTest) -> list[dict]:
    """The Vega-Lite documents of the charts on a page, each with the rows it shows as `rows`."""
    found = []
    for element in app.get("vega_lite_chart"):
        rows = [
            row
            for dataset in element.proto.datasets
            for row in pa.ipc.open_stream(dataset.data.data).read_all().to_pylist()
        ]
        found.append({**json.loads(element.proto.spec), "rows": rows})
    return found
