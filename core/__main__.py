"""The command line: `python -m core …`, the same verbs as the dashboard."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import queue_commands
from core.errors import InputError
from core.stopping import Cancelled, Terminated
from core.terminal import Line, quiet, say


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it went well, 2 on wrong input, 130 when stopped by hand."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # Threads that wait must sleep: where other work runs beside it, training was 4 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    chosen = _parser().parse_args(arguments)
    try:
        chosen.command(chosen)
    except InputError as error:
        say(f"langskew: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Cancelled):
        say("\nlangskew: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    except Terminated:
        say("\nlangskew: asked to end; the same command goes on from here.", file=sys.stderr)
        return 143
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="See, measure and fix language-specific class imbalance in fine-tuning.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fetch = commands.add_parser("fetch", help="download what the embedded default needs (once)")
    fetch.set_defaults(command=_fetch)

    accept = commands.add_parser("accept", help="accept the licence of a corpus (once)")
    accept.add_argument("corpus", help="amazon")
    accept.set_defaults(command=_accept)

    audit = commands.add_parser("audit", help="how skewed a corpus is")
    audit.add_argument(
        "corpus",
        help="multiemo, synthetic; amazon, xnli, wikipedia, also as NAME@HUB-ID|FOLDER|FILE; or a "
        "CSV, TSV, JSON Lines, Parquet file",
    )
    _add_columns(audit)
    audit.add_argument("--json", action="store_true", help="one JSON document")
    audit.set_defaults(command=_audit)

    study = commands.add_parser("study", help="train every run of a study that is missing")
    study.add_argument(
        "study", metavar="NAME|FILE.toml", help="a shipped or started study, or a file"
    )
    study.add_argument("--seeds", metavar="0,1,2", help="in place of the study's own")
    for name in ("corpus", "encoder", "external"):
        study.add_argument(f"--{name}", metavar="SOURCE", help="in place of the study's own")
    study.add_argument("--dry-run", action="store_true", help="say what would run, and stop")
    study.add_argument(
        "--background", action="store_true", help="put it into the queue, start a worker, and stop"
    )
    study.set_defaults(command=_study)

    train = commands.add_parser("train", help="train one run, or go on with it")
    train.add_argument("run", help="run id, or how it begins")
    train.set_defaults(command=_train)

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
        help="gaussian_process, partition (the paper's), permutation or integrated_gradients "
        "(%(default)s)",
    )
    attribute.add_argument("--budget", type=int, help="in the method's own unit; see README")
    attribute.add_argument(
        "--tolerance",
        type=float,
        default=0.0,
        metavar="E",
        help="standard error of a value at which gaussian_process stops before its budget",
    )
    attribute.add_argument(
        "--threshold", type=float, default=0.01, help="of the token groups (%(default)s)"
    )
    attribute.add_argument("--json", action="store_true", help="one JSON document")
    attribute.set_defaults(command=_attribute)

    queue_commands.add_to(commands)

    runs = commands.add_parser("runs", help="list all runs")
    runs.add_argument("--json", action="store_true", help="one JSON document")
    runs.set_defaults(command=_runs)

    show = commands.add_parser("show", help="the results of a run or study")
    show.add_argument("name", metavar="RUN|STUDY")
    show.add_argument("--json", action="store_true", help="one JSON document")
    show.set_defaults(command=_show)

    project = commands.add_parser("project", help="lay the CLS vectors of a study's runs out")
    project.add_argument("study", help="a started study")
    project.add_argument(
        "--points", type=int, default=5000, help="over the six panels of a page (%(default)s)"
    )
    project.set_defaults(command=_project)

    report = commands.add_parser(
        "report", help="a study as one HTML file, and its figures and tables for a paper"
    )
    report.add_argument("study", help="a started study; it need not be done")
    report.add_argument(
        "--folder", metavar="DIR", help="where to put it (by default the study's own folder)"
    )
    report.set_defaults(command=_report)

    brought = commands.add_parser(
        "import", help="turn a fine-tuned sequence classifier in transformers' layout into a run"
    )
    brought.add_argument("folder", help="config.json, safetensors and a fast tokenizer")
    source = brought.add_mutually_exclusive_group(required=True)
    source.add_argument("--corpus", help="what it is tested on: a preset or file")
    source.add_argument("--study", help="a started study whose test set it is tested on")
    brought.add_argument("--outputs", metavar="A,B,…", help="labels in the order of its outputs")
    _add_columns(brought)
    brought.add_argument(
        "--test-per-language", type=int, help="rows of the test set (largest that fits, up to 1000)"
    )
    brought.add_argument("--max-length", type=int, default=128, help="tokens a text (%(default)s)")
    brought.set_defaults(command=_import)

    index = commands.add_parser("index", help="write index.duckdb, a snapshot of all runs, anew")
    index.set_defaults(command=_index)

    prune = commands.add_parser("prune", help="list what runs weigh, and delete those named")
    prune.add_argument("run", nargs="*", help="run ids, or how they begin; none: only list")
    prune.add_argument("--unused", action="store_true", help="all runs that no study stands for")
    prune.add_argument("--yes", action="store_true", help="delete without asking")
    prune.set_defaults(command=_prune)
    return parser


def _add_columns(parser: argparse.ArgumentParser) -> None:
    """How a corpus file is read."""
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="name of a column in the file, such as language=lang; may be repeated",
    )
    parser.add_argument("--labels", metavar="A,B,…", help="the labels in their order")
    parser.add_argument("--languages", metavar="A,B,…", help="only these languages")


def _corpus_options(chosen: argparse.Namespace) -> dict[str, Any]:
    columns = {}
    for pair in chosen.column:
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise InputError(f"--column is {pair!r}; expected OURS=THEIRS, such as language=lang.")
        columns[ours] = theirs
    labels, languages = (
        tuple(x.split(",")) if x else None for x in (chosen.labels, chosen.languages)
    )
    return {"columns": columns, "labels": labels, "languages": languages}


def _fetch(_: argparse.Namespace) -> None:
    from core import hub, multiemo

    say("corpus multiemo (358 MB to download, once) …", file=sys.stderr)
    say(f"corpus   {multiemo.fetch()}")
    say("encoder multilingual-e5-small (91 MB to download, once) …", file=sys.stderr)
    say(f"encoder  {hub.fetch_embedded()}")


def _accept(chosen: argparse.Namespace) -> None:
    from core import licence

    licence.accept(chosen.corpus)
    print(f"{licence.TEXTS[chosen.corpus]}\n\naccepted.")


def _audit(chosen: argparse.Namespace) -> None:
    from core import show
    from core.corpus import load
    from core.results import audit

    document = audit(load(chosen.corpus, **_corpus_options(chosen)))
    say(_json(document) if chosen.json else show.audit_text(document))


def _study(chosen: argparse.Namespace) -> None:
    from core import study

    asked = study.read(chosen.study)
    if chosen.seeds:
        try:
            asked = replace(asked, seeds=tuple(int(s) for s in chosen.seeds.split(",")))
        except ValueError as error:
            raise InputError(
                f"--seeds is {chosen.seeds!r}; expected whole numbers such as 0,1,2."
            ) from error
    given = {name: getattr(chosen, name) for name in ("corpus", "encoder", "external")}
    if given := {name: value for name, value in given.items() if value is not None}:
        document = study.to_document(asked) | given
        asked = study.from_document(document, Path.cwd() / f"{asked.name}.toml")
    if chosen.background:
        from core import worker

        job = worker.ask("study", asked.name, {"document": study.to_document(asked)})
        say(f"{job.id} is in the queue; `python -m core queue` shows what becomes of it.")
        return
    quiet()
    from core import planning, show, worker
    from core.index import publish
    from core.results import comparisons, summary
    from core.session import Session

    session = Session()
    plan = planning.plan(asked, session)
    if chosen.dry_run:
        say(show.plan_text(plan))
        return
    number = {run_id: i for i, run_id in enumerate(plan.runs, start=1)}

    def report(run_id: str) -> Line:
        config = plan.runs[run_id]
        return Line(
            f"[{number[run_id]}/{len(plan.runs)}] {config.setup} seed {config.seed} {run_id}"
        )

    worker.work_through(planning.enqueue(plan), session, report)
    publish()
    say(show.study_text({**summary(asked.name), "comparisons": comparisons(asked.name)}))


def _train(chosen: argparse.Namespace) -> None:
    quiet()
    from core import checkpoints, worker

    run_id = checkpoints.resolve(chosen.run)
    worker.train_here(run_id, Line(run_id))
    say(f"{run_id} is done: {checkpoints.folder(run_id)}")


def _attribute(chosen: argparse.Namespace) -> None:
    quiet()
    from core import checkpoints, show_attributions, study
    from core.attributed import attributions
    from core.attribution import known
    from core.attribution.study import attribute
    from core.session import Session

    session = Session()
    done = attribute(
        chosen.study,
        session,
        Line(chosen.study),
        per_language=chosen.per_language,
        method=chosen.method,
        budget=chosen.budget,
        tolerance=chosen.tolerance,
    )
    document = attributions(chosen.study, chosen.reference, chosen.threshold, done.key)
    configs = checkpoints.read_configs(study.run_ids(chosen.study))
    corpus = session.corpus(next(iter(configs.values())))
    document["uninformative"] = known.of_study(chosen.study, done.key, corpus)
    say(_json(document) if chosen.json else show_attributions.text(document))


def _runs(chosen: argparse.Namespace) -> None:
    from core import checkpoints, show

    listed = checkpoints.list_runs()
    if chosen.json:
        rows = [{k: v for k, v in r.items() if v == v} for r in listed.to_dict("records")]
        say(_json({"runs": rows}))
    else:
        say(show.runs_text(listed))


def _show(chosen: argparse.Namespace) -> None:
    from core import checkpoints, show, study
    from core.results import comparisons, run_summary, summary

    if chosen.name in study.started():
        document = {**summary(chosen.name), "comparisons": comparisons(chosen.name)}
        say(_json(document) if chosen.json else show.study_text(document))
        return
    try:
        run_id = checkpoints.resolve(chosen.name)
    except InputError as error:
        known = ", ".join(study.started()) or "none"
        raise InputError(f"{error} Studies that were started: {known}.") from error
    document = run_summary(run_id)
    say(_json(document) if chosen.json else show.run_text(document))


def _project(chosen: argparse.Namespace) -> None:
    from core import projection

    made = projection.project(chosen.study, Line(chosen.study), chosen.points)
    say(f"{len(made.texts)} texts in {len(made.runs)} runs: {projection.path_of(chosen.study)}")


def _report(chosen: argparse.Namespace) -> None:
    from pathlib import Path

    from core import report

    folder = Path(chosen.folder).expanduser() if chosen.folder else None
    made = report.write(chosen.study, Line(chosen.study), folder)
    print(f"{made / 'report.html'}, and its figures and tables beside it")


def _import(chosen: argparse.Namespace) -> None:
    quiet()
    from core import bring, show
    from core.index import publish
    from core.results import comparisons, summary

    name = bring.bring(
        Path(chosen.folder),
        corpus=chosen.corpus,
        study_name=chosen.study,
        outputs=chosen.outputs.split(",") if chosen.outputs else None,
        test_per_language=chosen.test_per_language,
        max_length=chosen.max_length,
        report=Line(Path(chosen.folder).name),
        **_corpus_options(chosen),
    )
    publish()
    say(show.study_text({**summary(name), "comparisons": comparisons(name)}))


def _index(_: argparse.Namespace) -> None:
    from core.index import publish

    say(publish())


def _prune(chosen: argparse.Namespace) -> None:
    from core import checkpoints, pruning, show
    from core.index import publish

    doomed = [checkpoints.resolve(prefix) for prefix in chosen.run]
    if chosen.unused:
        doomed += [run for run in pruning.unused() if run not in doomed]
    table = pruning.sizes()
    if not doomed:
        say(show.sizes_text(table))
        return
    say(show.sizes_text(table[table["run"].isin(doomed)]))
    if not chosen.yes and input(f"delete these {len(doomed)} runs for good? [y/N] ") != "y":
        say("nothing was deleted.")
        return
    say(f"deleted; {pruning.delete(doomed) / 1e6:,.0f} MB are free again.")
    publish()


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)


if __name__ == "__main__":
    sys.exit(main())
