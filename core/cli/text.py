"""Documents of core.results.study_results as text for a terminal."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.checkpoints import run_folders
from core.cli import comparison_text
from core.figures import verdict
from core.results import power
from core.results.names import run_name, setup_name
from core.results.schema import OpenRunDocument, RunDocument, RunResults, StudyResults
from core.results.seeds import value_of
from core.results.study_results import done_runs
from core.results.tables import OF_HEADLINE
from core.sampling import subsets
from core.terminal import interval as _interval
from core.terminal import number as _number
from core.terminal import table
from core.text import plain

if TYPE_CHECKING:
    from core.studies.planning import Plan


def plan_text(plan: Plan) -> str:
    """What `python -m core study --dry-run` prints."""
    rows = []
    for run_id, config in plan.runs.items():
        state = run_folders.state_to_plan_by(run_id)
        each = len(config.languages)
        sizes = [
            config.rows(s) // each if config.rows(s) % each == 0 else f"{config.rows(s) / each:.1f}"
            for s in ("train", "validation", "test")
        ]
        rows.append([run_id, config.setup, config.seed, state, *sizes])
    columns = ["run", "setup", "seed", "state", "train", "validation", "test rows a language"]
    lines = [f"study {plan.study.name}: {len(plan.runs)} runs", "", table(columns, rows)]
    shown: set[str] = set()
    for config in plan.runs.values():
        setup = "imbalanced" if config.skewed else "balanced"
        if setup in shown:
            continue
        shown.add(setup)
        shares = config.shares_table()
        lines += ["", f"rows of each cell, {setup} (train | validation)"]
        parts = [subsets.allocate(config.rows(split), shares) for split in ("train", "validation")]
        body = [[lang, *parts[0].loc[lang], "|", *parts[1].loc[lang]] for lang in config.languages]
        lines.append(table(["language", *config.labels, "|", *config.labels], body))
    return "\n".join([*lines, *comparison_text.power_lines(power.for_plan(plan))])


def study_text(document: StudyResults) -> str:
    """What `python -m core study` and `show STUDY` print."""
    lines = [f"study {document['study']}: {document['corpus']}, {document['encoder']}", ""]
    found = verdict.of_study(document)
    said = " ".join(filter(None, [found.sentence, found.cost, *found.doubts]))
    lines += [*wrap(plain(said), 100), ""]
    rows = []
    for run in document["runs"]:
        named = [run["run"], setup_name(run), run["seed"]]
        if run["state"] != "done":
            rows.append([*named, run["state"], "", "", "", ""])
            continue
        measured = [_interval(*value_of(run, measure)) for measure in OF_HEADLINE]
        rows.append([*named, *measured, run["n_train"], run["n_test"]])
    columns = ["run", "setup", "seed", "accuracy", "skew uptake", "soft uptake", "train", "test"]
    lines.append(table(columns, rows))
    lines += [
        "",
        "In brackets: 95 % intervals over test sentences, one training each; they leave out what",
        "differs between seeds. Skew uptake and language effect are read minus balanced, since",
        "languages differ before any skew.",
    ]
    lines += comparison_text.minus_balanced(document["comparisons"])
    done = done_runs(document)
    if done and document["groups"]:
        lines += ["", "share of each class predicted, by group of languages (%)"]
        rows = []
        for i, group in enumerate(done[0]["predictions_by_group"]):
            members = document["groups"][i]
            given = pd.DataFrame(document["training_shares"]).T.loc[members].mean()
            rows.append([group, "in the skewed training set", *(_percent(x) for x in given)])
            truth = pd.DataFrame(done[0]["truth"]).T.loc[members].mean()
            rows.append([group, "truth, test set", *(_percent(x) for x in truth)])
            for run in done:
                cells = run["predictions_by_group"][group].values()
                rows.append([group, run_name(run), *(_percent(x) for x in cells)])
        lines.append(table(["languages", "", *document["labels"]], rows))
    lines += _further_measures(done)
    lines += comparison_text.comparisons(document["comparisons"])
    lines += comparison_text.power_reading(power.for_study(document))
    for run in document["runs"]:
        if run["state"] != "queued" and run["message"]:
            lines += ["", f"{run['run']} {run['state']}: {run['message']}"]
    return "\n".join(lines)


def _further_measures(done: list[RunResults]) -> list[str]:
    """Language effect, calibration, base values and probes, a run a line."""
    if not done:
        return []
    rows = []
    for run in done:
        base = run["base_values"]
        error = run["calibration"]["all"]
        row = [
            setup_name(run),
            run["seed"],
            _interval(run["language_effect"], run["language_effect_ci"]),
            _number(run.get("language_effect_p"), 3),
            _interval(error["rms"], error["rms_ci"]),
            _number(error["ece"], 3),
            _number(base and base["distance_from_uniform"], 3),
        ]
        rows.append(row)
    columns = ["setup", "seed", "language effect", "p", "calibration error, rms", "expected"]
    columns.append("base value, off uniform")
    lines = [
        "",
        table(columns, rows),
        "",
        "p: of as large a language effect by chance (languages permuted within sentences). The",
        "expected calibration error holds noise, which makes it larger; rms is without.",
    ]
    for kind, title in (("original", "the test set"), ("external", "the external corpus")):
        probed = [(run, run["probe"][kind]) for run in done if kind in run["probe"]]
        if not probed:
            continue
        first = probed[0][1]
        lines += [
            "",
            f"language identification from CLS vectors of {title}: n = {first['n']},",
            f"dimension {first['dimension']}, {first['folds']} folds by sentence, "
            f"chance {first['chance']:.3f}",
        ]
        rows = [
            [
                setup_name(run),
                run["seed"],
                *(_number(p[k], 3) for k in ("accuracy", "accuracy_released", "knn")),
                _number(p["accuracy"] - p["chance"], 3),
            ]
            for run, p in probed
        ]
        rows.append(
            [
                "before fine-tuning",
                "",
                _number(first["before_fine_tuning"], 3),
                _number(first["before_fine_tuning_released"], 3),
                _number(first["before_fine_tuning_knn"], 3),
                _number((x := first["before_fine_tuning"]) and x - first["chance"], 3),
            ]
        )
        columns = ["setup", "seed", "paper", "released", "15-NN", "paper, above chance"]
        lines.append(table(columns, rows))
    return lines


def runs_text(listed: pd.DataFrame) -> str:
    """What `python -m core runs` prints."""
    if listed.empty:
        return "no runs yet; `python -m core study demo` trains the first ones."
    columns = ["run", "setup", "seed", "corpus", "encoder", "state", "accuracy"]
    rows = [
        [_number(r[c], 3) if c == "accuracy" else _plain(r[c]) for c in columns]
        for r in listed.to_dict("records")
    ]
    lines = [table(columns, rows)]
    for r in listed.to_dict("records"):
        if r["state"] not in ("queued", "running") and r["message"]:
            lines.append(f"{r['run']} {r['state']}: {r['message']}")
    return "\n".join(lines)


def sizes_text(sizes: pd.DataFrame) -> str:
    """What `python -m core prune` prints."""
    rows = [
        [
            *(_plain(r[c]) for c in ("run", "setup", "seed", "state", "studies")),
            f"{r['model'] / 1e6:.1f}",
            f"{r['all'] / 1e6:.1f}",
        ]
        for r in sizes.to_dict("records")
    ]
    columns = ["run", "setup", "seed", "state", "studies", "model (MB)", "all (MB)"]
    return table(columns, rows) + f"\n{len(sizes)} runs, {sizes['all'].sum() / 1e6:,.1f} MB"


def run_text(document: RunDocument | OpenRunDocument) -> str:
    """What `python -m core show RUN` prints."""
    lines = [f"run {document['run']}: {document['state']} {document['message']}".rstrip()]
    config = document["config"]
    lines += [f"  {key:<24}{value}" for key, value in config.items() if key != "shares"]
    if document["state"] == "done":
        lines += ["", f"accuracy {_interval(document['accuracy'], document['accuracy_ci'])}", ""]
        rows = [
            [lang, _interval(a["accuracy"], [a["low"], a["high"]]), a["n"]]
            + [_percent(x) for x in document["predictions"][lang].values()]
            for lang, a in document["accuracy_by_language"].items()
        ]
        labels = [f"{label} (%)" for label in config["labels"]]
        lines.append(table(["language", "accuracy", "n", *labels], rows))
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    if value is None or value != value:
        return "–"
    return int(value) if isinstance(value, float) else value


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
