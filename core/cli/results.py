"""The command line's verbs on what finished runs say: from `attribute` to `report` and `prune`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.terminal import Line, as_json, quiet, say


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the verbs."""
    attribute = commands.add_parser(
        "attribute", help="SHAP values of test texts for every run of a study, and what they say"
    )
    attribute.add_argument("study", help="a started study")
    attribute.add_argument(
        "--reference", default="balanced", help="setup that others are read against (%(default)s)"
    )
    attribute.add_argument(
        "--per-language", type=int, default=20, metavar="N", help="texts a language (%(default)s)"
    )
    attribute.add_argument(
        "--method",
        default="gaussian_process",
        help="Shapley values by gaussian_process or permutation, Owen values by partition (the "
        "paper's), or integrated_gradients (%(default)s)",
    )
    attribute.add_argument(
        "--budget", type=int, help="in the method's own unit; see docs/attribution.md"
    )
    attribute.add_argument(
        "--tolerance",
        type=float,
        metavar="E",
        help="standard error of a value at which gaussian_process stops before its budget, text by "
        "text (0.01; with --budget 0: it spends all of it)",
    )
    attribute.add_argument(
        "--threshold", type=float, default=0.01, help="of the token groups (%(default)s)"
    )
    attribute.add_argument("--json", action="store_true", help="one JSON document")
    attribute.set_defaults(command=_attribute)

    project = commands.add_parser("project", help="lay the CLS vectors of a study's runs out")
    project.add_argument("study", help="a started study")
    project.add_argument(
        "--points", type=int, default=20000, help="places laid out, over all panels (%(default)s)"
    )
    project.set_defaults(command=_project)

    runs = commands.add_parser("runs", help="list all runs")
    runs.add_argument("--json", action="store_true", help="one JSON document")
    runs.set_defaults(command=_runs)

    show = commands.add_parser("show", help="the results of a run or study")
    show.add_argument(
        "name", metavar="RUN|STUDY", help="a run id, or how it begins; a started study"
    )
    show.add_argument("--json", action="store_true", help="one JSON document")
    show.add_argument(
        "--power", action="store_true", help="how many seeds a difference takes in this study"
    )
    show.set_defaults(command=_show)

    mitigations = commands.add_parser(
        "mitigations",
        help="every setup of a study beside balanced training, and which can be recommended; "
        "without a study: the mitigations there are",
    )
    mitigations.add_argument("study", nargs="?", help="a started study")
    mitigations.add_argument(
        "--list", action="store_true", help="all mitigations, with source and settings"
    )
    mitigations.add_argument("--json", action="store_true", help="one JSON document")
    mitigations.add_argument("--csv", action="store_true", help="a table, unrounded")
    mitigations.set_defaults(command=_mitigations)

    report = commands.add_parser(
        "report", help="a study as one HTML file, and its figures and tables for a paper"
    )
    report.add_argument("study", help="a started study; it need not be done")
    report.add_argument(
        "--folder", metavar="DIR", help="where to put it (by default the study's own folder)"
    )
    report.set_defaults(command=_report)

    index = commands.add_parser("index", help="write index.duckdb, a snapshot of all runs, anew")
    index.set_defaults(command=_index)

    prune = commands.add_parser("prune", help="list what runs weigh, and delete those named")
    prune.add_argument("run", nargs="*", help="run ids, or how they begin; none: only list")
    prune.add_argument("--unused", action="store_true", help="all runs that no study stands for")
    prune.add_argument("--yes", action="store_true", help="delete without asking")
    prune.set_defaults(command=_prune)


def _attribute(chosen: argparse.Namespace) -> None:
    quiet()
    from core.attribution.attribute import attribute
    from core.checkpoints.studies import read_started
    from core.cli import attribution_text
    from core.models.session import Session
    from core.results import informative, thresholds
    from core.results.schema import AttributionsPrinted

    study, session = read_started(chosen.study), Session()
    done = attribute(
        study,
        session,
        Line(chosen.study),
        per_language=chosen.per_language,
        method=chosen.method,
        budget=chosen.budget,
        tolerance=chosen.tolerance,
    )
    thresholds.keep(study, done.key)
    document: AttributionsPrinted = {
        **thresholds.attributions(study, chosen.reference, chosen.threshold, done.key),
        "reliance": thresholds.reliance_curve(study, chosen.reference, done.key),
        "uninformative": informative.of_study(study, done.key, session.corpus(study.config)),
    }
    say(as_json(document) if chosen.json else attribution_text.text(document))


def _project(chosen: argparse.Namespace) -> None:
    from core.checkpoints.studies import read_started
    from core.models.session import Session
    from core.results import projection
    from core.training import untouched

    study, session = read_started(chosen.study), Session()
    made = projection.project(
        study,
        Line(study.name),
        chosen.points,
        lambda config, rows: untouched.vectors(config, rows, session),
    )
    say(
        f"{len(made.texts)} texts in {len(made.runs)} runs, {made.texts['fitted'].sum()} of them "
        f"laid out: {projection.path_of(study)}"
    )
    if made.no_before:
        say(f"Without the encoder before fine-tuning: {made.no_before}")


def _runs(chosen: argparse.Namespace) -> None:
    from core.checkpoints import run_folders
    from core.cli import text

    listed = run_folders.list_runs()
    if chosen.json:
        rows = [{k: v for k, v in r.items() if v == v} for r in listed.to_dict("records")]
        say(as_json({"runs": rows}))
    else:
        say(text.runs_text(listed))


def _show(chosen: argparse.Namespace) -> None:
    from core.checkpoints import run_folders, studies
    from core.cli import comparison_text, text
    from core.results.study_results import run_summary, summary

    if chosen.name in studies.started():
        study = studies.read_started(chosen.name)
        if chosen.power:
            say(comparison_text.power_text(study))
            return
        document = summary(study)
        say(as_json(document) if chosen.json else text.study_text(document))
        return
    try:
        run_id = run_folders.resolve(chosen.name)
    except InputError as error:
        known = ", ".join(studies.started()) or "none"
        raise InputError(f"{error} Studies that were started: {known}.") from error
    run = run_summary(run_id)
    say(as_json(run) if chosen.json else text.run_text(run))


def _mitigations(chosen: argparse.Namespace) -> None:
    from core.checkpoints.studies import read_started
    from core.cli import mitigation_text
    from core.figures import export, mitigation_tables
    from core.results import mitigations

    if chosen.json and chosen.csv:
        raise InputError("--json and --csv are two formats; choose one of them.")
    if chosen.list or not chosen.study:
        schemes = mitigations.scheme_rows()
        document: Mapping[str, object] = {"mitigations": schemes}
        table = mitigation_tables.schemes_table(schemes)
        text = mitigation_text.schemes(schemes)
    else:
        found = mitigations.of_study(read_started(chosen.study))
        if not found["rows"]:
            raise InputError(
                f"study {chosen.study}: no setup that is trained here is done yet. `python -m core "
                f"show {chosen.study}` says how its runs are."
            )
        document, table = found, mitigation_tables.whole_table(found)
        text = mitigation_text.study(found)
    if chosen.csv:
        text = export.csv(table.frame).decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n")
    say(as_json(document) if chosen.json else text)


def _report(chosen: argparse.Namespace) -> None:
    from core.checkpoints.studies import read_started
    from core.report import files as report_files

    folder = Path(chosen.folder).expanduser() if chosen.folder else None
    made = report_files.write(read_started(chosen.study), Line(chosen.study), folder)
    print(f"{made / 'report.html'}, and its figures and tables beside it")


def _index(_: argparse.Namespace) -> None:
    from core.results.index import publish

    say(publish())


def _prune(chosen: argparse.Namespace) -> None:
    from core.checkpoints import prune as checkpoint_prune
    from core.checkpoints import run_folders
    from core.cli import text
    from core.results.index import refresh

    doomed = [run_folders.resolve(prefix) for prefix in chosen.run]
    if chosen.unused:
        doomed += [run for run in checkpoint_prune.unused() if run not in doomed]
    table = checkpoint_prune.sizes()
    if not doomed:
        say(text.sizes_text(table))
        return
    say(text.sizes_text(table[table["run"].isin(doomed)]))
    if not chosen.yes and _answer(f"delete these {len(doomed)} runs for good? [y/N] ") != "y":
        say("nothing was deleted.")
        return
    say(f"deleted; {checkpoint_prune.delete(doomed) / 1e6:,.0f} MB are free again.")
    refresh()


def _answer(question: str) -> str:
    try:
        return input(question)
    except (EOFError, OSError, RuntimeError) as error:  # closed, or gone
        raise InputError(
            "nobody is there to answer (standard input is closed), so nothing was deleted; --yes "
            "deletes without asking."
        ) from error
