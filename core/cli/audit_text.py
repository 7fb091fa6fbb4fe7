"""The audit of a corpus as text for a terminal."""

from __future__ import annotations

from core.audit.audit import Audit
from core.terminal import number, table

SHOWN = 10  # labels a table has at most; the others are added up
ROWS = 40  # languages likewise


def audit_text(document: Audit) -> str:
    """What `python -m core audit` prints."""
    lines = [f"{document['corpus']}: {document['rows']:,} rows of {document['read']:,}"]
    for reason, n in document["dropped"].items():
        of = document["dropped_by_language"].get(reason, {})
        where = ", ".join(f"{language or 'no language'} {m}" for language, m in of.items())
        lines.append(
            f"  dropped {n} rows: {reason} ({where})" if of else f"  dropped {n}: {reason}"
        )
    lines += [f"  read {file}" for file in document["files"][:5]]
    if len(document["files"]) > 5:
        lines.append(f"  and {len(document['files']) - 5} more files")
    lines += [f"  note: {note}" for note in document["notes"]]
    if document["several"]:
        lines.append(
            f"  note: {document['several']}; --several chooses a rule, --column label=… another "
            "column"
        )
    lines += [
        f"  {found['rows']:,} {found['says']}; --mend {found['step']}"
        for found in document["findings"]
    ]
    verdict = document["verdict"]
    lines += ["", verdict["sentence"], *(f"- {reason}" for reason in verdict["reasons"])]
    lines += ["", _joint(document), ""]
    lines += [
        f"mutual information I(language; label)  {document['mutual_information_bits']:.4f} bits, "
        f"normalised {document['normalised_mutual_information']:.4f}",
        f"Cramér's V                             {document['cramers_v']:.4f}",
        f"accuracy from the language alone       {document['language_only_accuracy']:.4f}",
    ]
    splits = [
        [
            name,
            s["rows"],
            number(s.get("mutual_information_bits"), 4),
            number(s.get("cramers_v"), 4),
        ]
        for name, s in document["splits"].items()
    ]
    for design, size in document["sizes"].items():
        lines += ["", f"balanced as {design}: {size['rows']:,} rows. {size['says']}"]
    if splits:
        columns = ["split", "rows", "mutual information (bits)", "Cramér's V"]
        lines += ["", table(columns, splits)]
    return "\n".join(lines)


def _joint(document: Audit) -> str:
    """Rows by language and label; where there are many, the largest, and the rest added up."""
    joint, labels, languages = document["joint"], document["labels"], document["languages"]
    sizes = {label: sum(joint[x][label] for x in languages) for label in labels}
    large = sorted(labels, key=lambda label: -sizes[label])[:SHOWN]
    shown = [label for label in labels if label in large]
    rest = len(labels) - len(shown)
    by_size = sorted(languages, key=lambda x: -sum(joint[x].values()))[:ROWS]
    rows = []
    for language in [x for x in languages if x in by_size]:
        cells = joint[language]
        divergence = number(document["divergence_bits"].get(language), 4)
        others = [sum(cells.values()) - sum(cells[label] for label in shown)] if rest else []
        row = [language, *(cells[label] for label in shown), *others, sum(cells.values())]
        rows.append([*row, divergence])
    more = [f"{rest} more labels"] if rest else []
    names = [label if len(label) <= 24 else label[:23] + "…" for label in shown]
    text = table(["language", *names, *more, "all", "divergence (bits)"], rows)
    left = len(languages) - len(rows)
    return f"{text}\nand {left} more languages" if left else text
