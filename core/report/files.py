"""The report of a study: one HTML file, and a folder of figures and tables for a paper."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from core.checkpoints import versions
from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import export, verdict
from core.figures.figure import Figure, Table
from core.progress import Progress
from core.report import contents as report_contents
from core.report import html as report_html
from core.report.contents import Section
from core.results import projection, study_results
from core.results.schema import StudyResults
from core.storage import atomic, reading
from core.text import short

_MADE = "report.json"  # written last: what the report was made from


def folder_of(study: Started) -> Path:
    """Where the report of a study is put by default."""
    return study.folder / "report"


def write(study: Started, report: Progress | None = None, folder: Path | None = None) -> Path:
    """Make the report of a study, as far as it is done.

    `report.html`; `figures/` with each figure as SVG and PNG; `tables/` with each table as CSV and
    LaTeX; `README.txt` says what is what.

    Args:
        report: called with what is being done, and how much of it (0 to 1).
        folder: by default in the study's own; what an earlier report left there is replaced.

    Raises:
        InputError: not one of the study's runs has a config that reads.
    """
    tell = report or (lambda what, share: None)
    stamp = _stamp(study)
    document = study_results.summary(study)
    sections = report_contents.sections(study, document, _part(tell, 0.0, 0.2))
    page = report_html.html(_facts(document), sections, _part(tell, 0.2, 0.5))
    target = folder or folder_of(study)
    if (target / _MADE).exists():  # ours: nothing of an earlier report is left among the new
        (target / _MADE).unlink()
        for old in ("figures", "tables"):
            shutil.rmtree(target / old, ignore_errors=True)
    for sub in ("figures", "tables"):
        (target / sub).mkdir(parents=True, exist_ok=True)
    atomic.write_text(target / "report.html", page)
    _write_files(target, study.name, sections, _part(tell, 0.5, 1.0))
    atomic.write_text(target / _MADE, json.dumps({"study": study.name, "made from": stamp}))
    tell("done", 1.0)
    return target


def state(study: Started) -> str:
    """Of the report in the study's own folder: `none`, `current` or `outdated`."""
    try:
        made = reading.json_object(folder_of(study) / _MADE, "make the report again")
    except InputError:
        return "none"
    return "current" if made.get("made from") == _stamp(study) else "outdated"


def zipped(folder: Path) -> bytes:
    """A report's folder as a ZIP archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != _MADE:
                file.write(path, path.relative_to(folder))
    return archive.getvalue()


def _write_files(target: Path, name: str, sections: Sequence[Section], report: Progress) -> None:
    blocks = [b for s in sections for b in s.blocks if not isinstance(b, str)]
    taken: set[str] = set()
    lines = [f"LangSkew, study {name}: figures and tables of report.html", ""]
    for i, block in enumerate(blocks):
        kind = "figures" if isinstance(block, Figure) else "tables"
        file = f"{kind}/{file_name(block.name, name)}"
        number = 2
        while file in taken:
            file = f"{kind}/{file_name(block.name, name)}-{number}"
            number += 1
        taken.add(file)
        report(f"writing: {file}", i / len(blocks))
        lines.append(f"{file}: {block.title}")
        write_block(target / file, block)
    atomic.write_text(target / "README.txt", "\n".join(lines) + "\n")


def write_block(path: Path, block: Figure | Table) -> None:
    """A figure as SVG and PNG, or a table as CSV and LaTeX.

    Args:
        path: of the files, without their endings.
    """
    if isinstance(block, Figure):
        drawn = block.specification
        atomic.write_text(path.with_name(f"{path.name}.svg"), export.svg(drawn))
        path.with_name(f"{path.name}.png").write_bytes(export.png(drawn))
        return
    printed = block.frame[list(block.shown)] if block.shown else block.frame
    path.with_name(f"{path.name}.csv").write_bytes(export.csv(block.frame))
    text = f"% {' '.join(block.title.split())}\n{export.latex(printed, block.formats)}"
    atomic.write_text(path.with_name(f"{path.name}.tex"), text)


def file_name(name: str, study_name: str) -> str:
    """Name of a figure or table as a file's, without the study's; letters of any script stay."""
    bare = re.sub(r"(?:[^\w.]|_)+", "-", name.removeprefix(f"{study_name}-")).strip("-.")
    return bare[:80] or "unnamed"


def _facts(document: StudyResults) -> dict[str, str]:
    version = versions.installed()["langskew"]
    return {
        "study": document["study"],
        "corpus": short(document["corpus"]),
        "encoder": short(document["encoder"]),
        "languages": " ".join(document["languages"]),
        "labels": ", ".join(document["labels"]),
        "verdict": " ".join(filter(None, verdict.of_study(document)[:2])),
        "made": f"Made on {date.today().isoformat()} by LangSkew {version}.",
    }


def _stamp(study: Started) -> str:
    """Changes whenever the report may have changed."""
    return f"{study.stamp} {projection.stamp(study)}"


def _part(report: Progress, start: float, end: float) -> Progress:
    return lambda what, share: report(what, start + share * (end - start))
