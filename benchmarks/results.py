"""The tables of docs/results.md for one study, as Markdown, from what its runs stored.

    python -m benchmarks.results STUDY [--json]

Cells are means over seeds, with the smallest and the largest in brackets. Differences are those of
its comparisons, with their intervals and verdicts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

from core.checkpoints.studies import read_started
from core.results.comparison_tables import MEASURES
from core.results.study_results import summary

Run = dict[str, Any]
_RUN_COLUMNS: dict[str, Callable[[Run], float | None]] = {
    "accuracy": lambda run: run["accuracy"],
    "skew uptake": lambda run: run["skew_uptake"],
    "soft uptake": lambda run: run["soft_uptake"],
    "language effect": lambda run: run["language_effect"],
    "base value, off uniform": lambda run: (
        run["base_values"] and run["base_values"]["distance_from_uniform"]
    ),
}
_PROBE_COLUMNS = {"paper": "accuracy", "released": "accuracy_released", "15-NN": "knn"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, or with --json what they are made of."""
    parser = argparse.ArgumentParser(description="tables of docs/results.md for one study")
    parser.add_argument("study")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args(arguments)
    document = summary(read_started(chosen.study))
    compared = document["comparisons"]
    if chosen.json:
        print(json.dumps({"summary": document, "comparisons": compared}))
        return
    runs = [run for run in document["runs"] if run["state"] == "done"]
    setups: dict[str, list[Run]] = {}
    for run in runs:
        setups.setdefault(run["setup"], []).append(run)
    blocks = [_table(["setup", *_RUN_COLUMNS], _cells(setups, _RUN_COLUMNS.values()))]
    for kind in runs[0]["probe"]:
        probe = runs[0]["probe"][kind]
        blocks.append(f"{kind}: n = {probe['n']}, chance {probe['chance']:.3f}")
        columns = [_probe(kind, key) for key in _PROBE_COLUMNS.values()]
        before = ["before_fine_tuning" + suffix for suffix in ("", "_released", "_knn")]
        rows = _cells(setups, columns)
        rows.append(["before fine-tuning", *(_number(probe[key]) for key in before)])
        blocks.append(_table(["setup", *_PROBE_COLUMNS], rows))
    columns = ["difference", "measure", "value", "95 % interval", "verdict", "margin"]
    blocks.append(_table(columns, [_difference(c) for c in compared]))
    blocks.append(_table(["languages", "setup", *document["labels"]], _shares(setups)))
    print("\n\n".join(blocks))


def _cells(
    setups: dict[str, list[Run]], columns: Sequence[Callable[[Run], float | None]] | Any
) -> list[list[str]]:
    rows = []
    for setup, runs in setups.items():
        cells = []
        for column in columns:
            values = [value for run in runs if (value := column(run)) is not None]
            mean = sum(values) / len(values) if values else None
            spread = f" ({_number(min(values))}–{_number(max(values))})" if len(values) > 1 else ""
            cells.append(_number(mean) + spread)
        rows.append([f"{setup}, n = {len(runs)}", *cells])
    return rows


def _probe(kind: str, key: str) -> Callable[[Run], float | None]:
    return lambda run: run["probe"][kind][key]


def _difference(c: dict[str, Any]) -> list[str]:
    ends = "–" if c["ci"] is None else f"{_number(c['ci'][0])} to {_number(c['ci'][1])}"
    margin = "–" if c.get("margin") is None else f"{c['margin']:g}"
    name = MEASURES.get(c["measure"], c["measure"])
    verdict = c["verdict"] or "–"
    return [f"{c['a']} − {c['b']}", name, _number(c["difference"]), ends, verdict, margin]


def _shares(setups: dict[str, list[Run]]) -> list[list[str]]:
    rows = []
    first = next(iter(setups.values()))[0]
    for group, labels in first.get("predictions_by_group", {}).items():
        for setup, runs in setups.items():
            means = [
                sum(run["predictions_by_group"][group][x] for run in runs) / len(runs)
                for x in labels
            ]
            rows.append([group, setup, *(f"{100 * mean:.1f}" for mean in means)])
    return rows


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".replace("-", "−")


def _table(columns: Sequence[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
