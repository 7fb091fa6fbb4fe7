"""Which studies and runs there are, without measuring any of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from core.checkpoints import run_folders
from core.checkpoints import studies as checkpoint_studies
from core.errors import InputError
from core.storage import places
from core.studies import study

# A study is as far as the run that most needs somebody's attention.
# One that was deleted needs nobody's.
_FIRST = ("failed", "interrupted", "cancelled", "running", "queued", "done", "deleted")


def studies() -> pd.DataFrame:
    """All started studies: `study`, `corpus`, `encoder`, `state`, `done`, `runs`, `message`.

    A study whose file does not read is `failed`, with what is wrong with it.
    """
    columns = ["study", "corpus", "encoder", "state", "done", "runs", "message"]
    return pd.DataFrame([_study(name) for name in checkpoint_studies.started()], columns=columns)


def _study(name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"study": name, "corpus": "", "encoder": "", "done": 0, "runs": 0}
    try:
        run_ids = checkpoint_studies.run_ids(name)
        states: Counter[str] = Counter(
            run_folders.read_status(run_id)["state"] for run_id in run_ids
        )
        row |= {"runs": len(run_ids), "done": states["done"]}
        asked = study.read(str(checkpoint_studies.started_folder(name) / "study.toml"))
        row |= {"corpus": asked.corpus, "encoder": asked.encoder}
    except InputError as error:
        return row | {"state": "failed", "message": str(error)}
    state = next((s for s in _FIRST if states[s]), "queued")
    return row | {"state": state, "message": ", ".join(f"{n} {s}" for s, n in states.items())}


def broken_runs() -> pd.DataFrame:
    """Run folders that cannot be read or did not end well: `run`, `state`, `what is wrong`.

    Folders beside the runs that hold files of a run but no config are among them.
    """
    listed = run_folders.list_runs()
    bad = listed[listed["state"].isin(["failed", "interrupted", "cancelled"])]
    rows = bad[["run", "state", "message"]].to_dict("records")
    rows += [
        {
            "run": path.parent.name,
            "state": "failed",
            "message": "config.json is missing; delete the folder, or bring the file back",
        }
        for path in sorted(places.checkpoints_dir().glob("*/status.json"))
        if not (path.parent / "config.json").exists()
    ]
    columns = {"run": "run", "state": "state", "message": "what is wrong"}
    return pd.DataFrame(rows, columns=list(columns)).rename(columns=columns)
