"""What the report of a study holds, in its order: text, figures, tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from core.checkpoints import run_folders, versions
from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import data as data_figures
from core.figures import latent as latent_figures
from core.figures import mitigation_tables, tokens_sentences, verdict
from core.figures import mitigations as mitigation_figures
from core.figures import paper as paper_figures
from core.figures import predictions as prediction_figures
from core.figures import tokens as token_figures
from core.figures.figure import Figure, Table
from core.paper import directions as paper_directions
from core.paper import measured as paper_measured
from core.paper import published as paper
from core.paper import reasons as paper_reasons
from core.paper import tables as paper_tables
from core.paper import whole as paper_whole
from core.progress import Progress
from core.report import wording
from core.results import (
    comparison_tables,
    latent,
    mitigations,
    overlap,
    projection,
    settings,
    thresholds,
    token_tables,
)
from core.results import references as result_references
from core.results.attributions import THRESHOLD
from core.results.names import SETUP_ORDER, setup_name
from core.results.schema import Attributions, RunResults, StudyResults
from core.results.study_results import done_runs
from core.text import escaped, short

Block = str | Figure | Table  # a text is Markdown


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    title: str
    blocks: list[Block]

    @property
    def anchor(self) -> str:
        """Where links within the report lead."""
        return self.title.lower().replace(" ", "-")


def sections(study: Started, document: StudyResults, report: Progress) -> list[Section]:
    """All that a study has to show; what is missing is said.

    Args:
        report: called with what is being done, and how much of it (0 to 1).
    """
    made = []
    makers: dict[str, Callable[[Started, StudyResults], list[Block]]] = {
        "Findings": _findings,
        "Settings": _settings,
        "Data": _data,
        "Predictions": _predictions,
        "Latent space": _latent,
        "Tokens": _tokens,
        "Comparisons": _comparisons,
        "Beside the paper": _paper,
        "Method": lambda *_: [wording.METHOD],
        "Citation": lambda *_: [wording.CITATION],
    }
    for i, (title, make) in enumerate(makers.items()):
        report(f"measuring: {title.lower()}", i / len(makers))
        try:
            blocks = make(study, document)
        except InputError as error:
            blocks = [f"**Missing:** {escaped(str(error))}"]
        made.append(Section(title, blocks))
    return made


def _findings(_: Started, document: StudyResults) -> list[Block]:
    missing = [run for run in document["runs"] if run["state"] != "done"]
    lines = [
        f"- {run['setup']}, seed {run['seed']} ({run['run']}) is {run['state']}"
        + (f": {escaped(run['message'])}" if run["message"] else "")
        for run in missing
    ]
    blocks: list[Block] = []
    if lines:
        blocks.append(
            f"**{len(lines)} of {len(document['runs'])} runs are not done**; `python -m core study "
            f"{document['study']}` trains them.\n\n" + "\n".join(lines)
        )
    unsound = [run for run in done_runs(document) if run["message"]]
    for message in dict.fromkeys(run["message"] for run in unsound):
        blocks.append(f"**{len(unsound)} of {len(document['runs'])} runs:** {escaped(message)}.")
    blocks += verdict.of_study(document).doubts
    return [*blocks, *prediction_figures.cards(document)]


def _settings(study: Started, document: StudyResults) -> list[Block]:
    name = document["study"]
    rows = [
        {
            "run": run["run"],
            "setup": setup_name(run),
            "seed": run["seed"],
            "state": run["state"],
            "training rows": run.get("n_train"),
            "validation rows": run.get("n_validation"),
            "test rows": run.get("n_test"),
            "best epoch": run.get("best_epoch"),
            "seconds": run.get("seconds"),
        }
        for run in document["runs"]
    ]
    frame = pd.DataFrame(rows).astype(
        dict.fromkeys(("training rows", "validation rows", "test rows"), "Int64")
    )
    blocks: list[Block] = [
        Table(f"{name}-settings-runs", "Runs", frame, {"seconds": "%.1f", "best epoch": "%.3g"})
    ]
    configs = [settings.flat(c) for c in study.configs.values()]
    if configs:
        given = [
            {"setting": key, "value": ", ".join(dict.fromkeys(short(str(c[key])) for c in configs))}
            for key in configs[0]
        ]
        blocks.append(Table(f"{name}-settings", "Settings of the runs", pd.DataFrame(given)))
    return [*blocks, _versions(document)]


def _versions(document: StudyResults) -> Table:
    here = versions.installed()
    recorded = [versions.of_run(run_folders.folder(run["run"])) for run in done_runs(document)]
    names = dict.fromkeys([*here, *(key for found in recorded for key in found)])
    rows = [
        {
            "name": key,
            "this report": here.get(key, "–"),
            "runs": ", ".join(dict.fromkeys(v[key] for v in recorded if key in v)) or "–",
        }
        for key in names
    ]
    caption = "" if any(recorded) else "The runs are older than the record of versions."
    title = "Versions: of what made this report, and as recorded in the runs"
    return Table(f"{document['study']}-versions", title, pd.DataFrame(rows), caption=caption)


def _data(study: Started, document: StudyResults) -> list[Block]:
    name = document["study"]
    designs = overlap.designs(study)
    if not designs:
        return ["No run of this study was trained here, so there are no training sets to show."]
    return [
        data_figures.designs(name, designs, "difference from uniform"),
        data_figures.designs_table(name, designs),
        data_figures.skew_table(name, designs),
    ]


def _predictions(_: Started, document: StudyResults) -> list[Block]:
    runs = done_runs(document)
    if not runs:
        return [wording.NOTHING_DONE]
    blocks: list[Block] = [
        prediction_figures.shares(document, runs),
        prediction_figures.shares_table(document, runs),
    ]
    if runs[0]["skew_uptake"] is not None:
        blocks.append(prediction_figures.uptake(document, runs))
        blocks.append(prediction_figures.uptake_by(document, runs))
        blocks.append(prediction_figures.uptake_by_table(document, runs))
    blocks += [
        prediction_figures.accuracy(document, runs),
        prediction_figures.runs_table(document, runs),
        prediction_figures.by_language(document, runs),
        prediction_figures.by_language_table(document, runs),
    ]
    first: dict[str, RunResults] = {}
    for run in runs:
        first.setdefault(run["setup"], run)
    for run in first.values():
        blocks.append(prediction_figures.confusion(document, run))
        blocks.append(prediction_figures.confusion_table(document, run))
    blocks.append(prediction_figures.reliability(document, runs))
    return [*blocks, prediction_figures.calibration_table(document, runs)]


def _latent(study: Started, document: StudyResults) -> list[Block]:
    name, runs = document["study"], done_runs(document)
    table = latent.probe_table(runs)
    blocks: list[Block] = [
        latent_figures.probes(name, part) for _, part in table.groupby("texts", sort=False)
    ]
    if len(table):
        blocks.append(latent_figures.probes_table(name, table))
    else:
        blocks.append(f"No probes: `python -m core study {name}` makes them.")
    found = projection.read(study)
    if found is None or not latent.panels(runs, found):
        return [*blocks, f"No map: `python -m core project {name}` makes it."]
    return [
        *blocks,
        *(
            latent_figures.outlined(document, runs, found, colour)
            for colour in ("language", "label")
        ),
    ]


def _tokens(study: Started, document: StudyResults) -> list[Block]:
    name = document["study"]
    if not result_references.available(study):
        return [f"No attributions: `python -m core attribute {name}` makes them."]
    blocks: list[Block] = []
    for reference in result_references.references(study):
        if reference.startswith("balanced"):
            found = thresholds.attributions(study, reference)
            blocks += _against(study, document, found)
    return blocks or ["No balanced run has attributions, so there is nothing to read others by."]


def _against(study: Started, document: StudyResults, found: Attributions) -> list[Block]:
    """Attributions of the setups that share a reference's loss, over seeds or at the first."""
    name, reference = document["study"], found["reference"]
    entropy = reference.endswith("+entropy")
    setups = [
        s
        for s in dict.fromkeys(r["setup"] for r in found["rows"])
        if not s.startswith("balanced") and s.endswith("+entropy") == entropy
    ]
    if not setups:
        return []
    blocks: list[Block] = []
    crossed = token_tables.can_cross(found, setups[0])
    seeds = {setup: token_tables.seeds_of(found, setup)[0] for setup in setups}
    for setup, seed in seeds.items():
        for label in found["labels"]:
            # As in the paper they stand beside the paper's figures.
            of = (found, label, setup, seed)
            blocks.append(token_figures.cumulative(document, *of, crossed=crossed))
            blocks.append(token_figures.cumulative_table(name, *of, crossed=crossed))
            blocks.append(token_figures.per_token_table(name, *of, crossed=crossed))
    if found["decomposition"]:
        n = tokens_sentences.amount(found, found["labels"][0], setups[0], seeds[setups[0]])
        blocks.append(token_figures.decomposition(name, found, n, crossed=crossed))
    curve = thresholds.reliance_curve(study, reference, found["key"])
    if shown := [row for row in curve if row["setup"] in setups]:
        at = (setups[0], found["threshold"])
        blocks.append(token_figures.reliance(name, shown, *at))
        blocks.append(token_figures.reliance_table(name, shown))
    return [*blocks, token_figures.shares_table(name, found)]


def _comparisons(study: Started, document: StudyResults) -> list[Block]:
    name = document["study"]
    frame = comparison_tables.pairs_table(document["comparisons"])
    if frame.empty:
        return ["No two setups of this study are done, so nothing can be compared."]
    table = Table(f"{name}-comparisons", "Setups compared", frame, caption=wording.COMPARED)
    return [*_mitigations(study), table]


def _mitigations(study: Started) -> list[Block]:
    """Setups beside balanced, of a study with other ones than the paper's."""
    found = mitigations.of_study(study)
    if all(row["setup"] in SETUP_ORDER for row in found["rows"]):
        return []
    figures = (mitigation_figures.trade_off(found), mitigation_figures.forest(found))
    return [
        mitigation_figures.reading(found),
        *(figure for figure in figures if figure is not None),
        mitigation_tables.results_table(found),
        mitigation_tables.cost_table(found),
    ]


def _paper(study: Started, document: StudyResults) -> list[Block]:
    name = document["study"]
    corpus, encoder = paper_tables.defaults(document)
    found = paper_measured.measured(document, paper.SUFFIX[encoder])
    configs = list(study.configs.values())
    blocks: list[Block] = [
        f"Beside {encoder} on {corpus}. {wording.BESIDE}",
        paper_reasons.missing(document, corpus, encoder),
        paper_reasons.tables_reading(document, corpus, encoder, found),
        f"Why the numbers may differ:\n\n{paper_reasons.why(document, corpus, encoder, configs)}",
        *paper_figures.tables(document, corpus, encoder, found),
    ]
    references = result_references.references(study) if result_references.available(study) else []
    for figure in paper.figures_of(encoder):
        reference = f"balanced{paper.suffix_of(figure)}"
        if reference not in references:
            blocks.append(f"Figure {figure}: no attributions of {reference} here.")
            continue
        documents = {t: thresholds.attributions(study, reference, t) for t in paper.THRESHOLDS}
        read = documents[THRESHOLD]
        without = (
            thresholds.attributions(study) if figure == 3 and "balanced" in references else None
        )
        blocks.append(f"Figure {figure}: {paper.FIGURES[figure]}.")
        tables = paper_figures.directions(name, read, corpus, figure)
        blocks.append(paper_directions.reading([table.frame for table in tables]))
        blocks += paper_whole.readings(read, without, document, figure)
        blocks += tables
        blocks.append(paper_directions.WHY_TWO)
        blocks += paper_figures.panels(document, read, figure, crossed=False)
        blocks.append(paper_figures.thresholds(name, documents))
    return [block for block in blocks if block]
