"""The command line's verbs on corpora: `fetch`, `accept`, `audit` and `corpora`."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from typing import Any

from core.errors import InputError
from core.terminal import Line, as_json, say, table


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the verbs."""
    fetch = commands.add_parser("fetch", help="download what the embedded default needs (once)")
    fetch.set_defaults(command=_fetch)

    accept = commands.add_parser("accept", help="accept the licence of a corpus (once)")
    accept.add_argument("corpus", help="amazon")
    accept.set_defaults(command=_accept)

    audit = commands.add_parser("audit", help="what is in a corpus, and how skewed it is")
    audit.add_argument(
        "corpus",
        nargs="+",
        help="multiemo, synthetic; amazon, xnli, wikipedia, also as NAME@HUB-ID|FOLDER|FILE; one "
        "that was saved; a data set of the hub (owner/name); or files, folders and archives of "
        "CSV, TSV, JSON, Parquet or Excel",
    )
    add_mapping(audit)
    _add_decisions(audit)
    _add_reading(audit)
    audit.add_argument(
        "--mend",
        metavar="STEP,…",
        help="what is left out or changed, as the audit names it: spellings, conflicts, leaks, "
        "copies, short:N, long:N characters, near:0.8 (nearly the same texts)",
    )
    audit.add_argument(
        "--accuracy",
        type=float,
        metavar="SHARE",
        help="estimate what the skew costs a classifier that would be right in so many rows "
        "without it, such as 0.7",
    )
    audit.add_argument("--save", metavar="NAME", help="save the corpus, for studies to name")
    audit.add_argument("--json", action="store_true", help="one JSON document")
    audit.set_defaults(command=_audit)

    saved = commands.add_parser("corpora", help="the corpora that were saved, and what was done")
    saved.set_defaults(command=_corpora)


def add_mapping(parser: argparse.ArgumentParser) -> None:
    """Which column is what; which labels and languages there are."""
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="a column of the file, such as language=lang; may be repeated; label=a+b+c: a column "
        "a label; split= for none",
    )
    parser.add_argument("--labels", metavar="A,B,…", help="only these labels, in this order")
    parser.add_argument("--languages", metavar="A,B,…", help="only these languages, in this order")


def mapping_of(chosen: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `add_mapping` as those of `core.corpora.corpus.load`."""
    return {
        "columns": _pairs("--column", chosen.column),
        "labels": _listed(chosen.labels),
        "languages": _listed(chosen.languages),
    }


def _add_decisions(parser: argparse.ArgumentParser) -> None:
    """What is decided of labels, languages and splits."""
    parser.add_argument("--language", default="", help="the language of all rows")
    parser.add_argument(
        "--identify-language", action="store_true", help="the language is identified from the text"
    )
    parser.add_argument(
        "--split",
        action="append",
        default=[],
        metavar="THEIRS=OURS",
        help="name of a split and what it is: train, validation, test; may be repeated",
    )
    parser.add_argument(
        "--join",
        action="append",
        default=[],
        metavar="A,B=C",
        help="labels that become one; may be repeated",
    )
    parser.add_argument("--leave-out", metavar="A,B,…", help="labels whose rows are left out")
    parser.add_argument(
        "--several",
        default="",
        metavar="RULE",
        help="rows with several labels: only (rows with one), first, combination, or has:LABEL",
    )


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """How files are read, where that is found out wrongly."""
    parser.add_argument("--delimiter", help="between two fields; tab for a tabulator")
    parser.add_argument("--encoding", help="of the file, such as latin-1")
    parser.add_argument("--sheet", help="of a workbook")
    for name, what in (("quoting", "quotes enclose fields"), ("header", "the first row has names")):
        parser.add_argument(
            f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=f"whether {what}"
        )


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for pair in given:
        one, equals, other = pair.rpartition("=") if option == "--join" else pair.partition("=")
        if not (one and equals) or not (other or option == "--column"):
            example = {"--column": "language=lang", "--split": "heldout=test", "--join": "1,2=bad"}
            form = {"--column": "OURS=THEIRS", "--split": "THEIRS=OURS", "--join": "A,B=C"}
            raise InputError(
                f"{option} is {pair!r}; expected {form[option]}, such as {example[option]}."
            )
        pairs[one] = other
    return pairs


def _listed(text: str | None) -> tuple[str, ...] | None:
    """Names between commas; one that has a comma stands in double quotes."""
    if not text:
        return None
    return tuple(x.strip() for x in next(csv.reader([text], skipinitialspace=True)))


def _fetch(_: argparse.Namespace) -> None:
    from core.corpora import multiemo
    from core.models import hub

    say("corpus multiemo (358 MB to download, once) …", file=sys.stderr)
    say(f"corpus   {multiemo.fetch()}")
    say("encoder multilingual-e5-small (91 MB to download, once) …", file=sys.stderr)
    say(f"encoder  {hub.fetch_embedded()}")


def _accept(chosen: argparse.Namespace) -> None:
    from core.corpora import licences

    licences.accept(chosen.corpus)
    print(f"{licences.TEXTS[chosen.corpus]}\n\naccepted.")


def _audit(chosen: argparse.Namespace) -> None:
    from core.audit.audit import audit, cost
    from core.cli import audit_text
    from core.corpora import corpus, find, saved
    from core.corpora.choices import Choices
    from core.mending import steps
    from core.sources.source import Options
    from core.storage import reading

    joined = {
        label: name
        for labels, name in _pairs("--join", chosen.join).items()
        for label in _listed(labels) or ()
    }
    choices = Choices(
        **mapping_of(chosen),
        language=chosen.language,
        identify=chosen.identify_language,
        splits=_pairs("--split", chosen.split),
        joined=joined,
        left_out=_listed(chosen.leave_out) or (),
        several=chosen.several,
    )
    delimiter = {"tab": "\t", "\\t": "\t"}.get(chosen.delimiter, chosen.delimiter)
    options = Options(delimiter, chosen.encoding, chosen.quoting, chosen.header, chosen.sheet)
    source = chosen.corpus[0] if len(chosen.corpus) == 1 else chosen.corpus
    if chosen.save:
        saved.check_name(chosen.save, find.PRESETS)
    report = Line("audit") if choices.identify or "near" in (chosen.mend or "") else None
    with reading.reading(chosen.corpus[0], "say how it is read; see `audit --help`"):
        found = find.mapped(find.source(source, options, choices.languages), choices, report)
        found, done = steps.apply(found, _listed(chosen.mend) or (), report)
        document = audit(found)
        expected = None if chosen.accuracy is None else cost(document, chosen.accuracy)
        if chosen.save:
            corpus.save(chosen.save, found, options, done)
    if chosen.json:
        say(as_json({**document, "expected": expected} if expected else document))
        return
    say(audit_text.audit_text(document))
    if expected:
        say("\n".join(["", expected["sentence"], *(f"- {x}" for x in expected["reasons"])]))
    for line in done:
        say(f"mended: {line}")
    if chosen.save:
        say(
            f'\nsaved; a study names it: corpus = "{chosen.save}". What is suggested for it: '
            f'python -m core study "corpus {chosen.save}" --dry-run'
        )


def _corpora(_: argparse.Namespace) -> None:
    from core.corpora import saved

    names = saved.names()
    if not names:
        say("no corpus is saved; `python -m core audit FILE… --save NAME` saves one.")
        return
    known, broken = [], []
    for name in names:
        try:
            known.append(saved.read(name))
        except InputError as error:
            broken.append(str(error))
    rows = [[x.name, x.rows, len(x.languages), len(x.labels), ", ".join(x.source)] for x in known]
    say(table(["corpus", "rows", "languages", "labels", "made from"], rows))
    for line in [*(f"{x.name}: {line}" for x in known for line in x.done), *broken]:
        say(line)
