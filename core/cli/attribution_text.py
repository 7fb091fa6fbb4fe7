"""Documents of core.results.attributions as text for a terminal."""

from __future__ import annotations

from core.figures import tokens_sentences
from core.measures.cumulative import PARTS
from core.results import token_tables
from core.results.names import PART_NAMES
from core.results.schema import AttributionsPrinted, ChosenPart, ChosenSide
from core.terminal import table


def text(document: AttributionsPrinted) -> str:
    """What `python -m core attribute` prints."""
    cost, threshold = document["cost"], document["threshold"]
    error = cost["standard_error"]
    lines = [
        f"study {document['study']}: SHAP values of {document['texts']} texts, {document['key']}",
        f"a text has {cost['tokens']:.1f} tokens and took each model {cost['evaluations']:.0f} "
        f"evaluations, {cost['seconds']:.2f} s"
        + (f"; standard error of a value {error:.4f}" if error is not None else ""),
        *(
            [f"that is above the threshold of {threshold}: ask for a larger --budget"]
            if error is not None and error > threshold
            else []
        ),
        "",
        f"share of tokens by value in the {document['reference']} model (neutral: -{threshold} to "
        f"{threshold})",
    ]
    groups = ("negative", "neutral", "positive")
    columns = ["class", "seed", *(PART_NAMES[group] for group in groups), "tokens"]
    lines.append(
        table(
            columns,
            [
                [
                    r["label"],
                    r["seed"],
                    *(f"{share:.2f}" for share in (r["negative"], r["neutral"], r["positive"])),
                    r["n"],
                ]
                for r in document["token_shares"]
            ],
        )
    )
    if document["sides"]:
        lines += ["", *_sides(document)]
        lines += ["", *_decomposition(document)]
    if document["reliance"]:
        lines += ["", *_reliance(document)]
    if document["uninformative"]:
        lines += ["", "share of the attribution (absolute values) on words without meaning"]
        cells = [
            [r["setup"], r["seed"], f"{r['share']:.3f} [{r['ci'][0]:.3f}, {r['ci'][1]:.3f}]"]
            for r in document["uninformative"]
        ]
        lines.append(table(["setup", "seed", "share"], cells))
    lines += [f"{run} is left out: {why}" for run, why in document["left_out"].items()]
    if document["missing"]:
        lines += ["", f"runs without attributions: {', '.join(document['missing'])}"]
    return "\n".join(lines)


def _sides(document: AttributionsPrinted) -> list[str]:
    """Cumulative differences on both sides of each class, a setup and part a line."""
    rows = []
    for setup, seed, crossed, fitted in _read(document):
        found = token_tables.chosen(document, "sides", setup, seed, crossed=crossed)
        cells = {(r["label"], r["group"], r["side"]): r for r in found}
        for (label, group, where), row in cells.items():
            if where == "over - under":
                over, under = (cells[label, group, s]["value"] for s in ("over", "under"))
                rows.append(
                    [
                        label,
                        setup,
                        _seed(seed),
                        PART_NAMES[group],
                        fitted,
                        _interval(over, None),
                        _interval(under, None),
                        _interval(row["value"], _ends(row)),
                        _size(row["between_balanced"]),
                    ]
                )
    order = {PART_NAMES[part]: i for i, part in enumerate(PARTS)}
    rows.sort(key=lambda r: (str(r[0]), str(r[1]), str(r[2]), order[str(r[3])], str(r[4])))
    columns = ["class", "setup", "seed", "part", "groups", "over", "under", "over - under"]
    return [
        f"cumulative difference to {document['reference']}: mean over texts, where the class is "
        "over- and",
        "under-represented in training",
        *_how(document),
        table([*columns, "balanced +-"], rows),
    ]


def _how(document: AttributionsPrinted) -> list[str]:
    """What is compared with what, in the sentences of the pages, each once."""
    lines: dict[str, None] = {}  # ordered, each once
    for setup, seed, crossed, fitted in _read(document):
        said = tokens_sentences.compared(document, setup, seed, crossed=crossed)
        lines[f"{fitted}: {said[0].lower()}{said[1:]}"] = None
    if any(row["between_balanced"] is not None for row in document["sides"]):
        said = "what two balanced models of different seeds differ by (root mean square); they"
        lines[f"balanced +-: {said} share less than two setups of one seed"] = None
    return list(lines)


def _read(document: AttributionsPrinted) -> list[tuple[str, int | None, bool, str]]:
    """Setup, seed (None: their mean), whether cross-fitted, and its name: what is printed."""
    found = []
    for setup in dict.fromkeys(r["setup"] for r in document["rows"]):
        seeds = token_tables.seeds_of(document, setup)
        for seed in seeds[:1] if seeds[0] is None else seeds:
            if token_tables.can_cross(document, setup):
                found.append((setup, seed, True, "cross-fitted"))
            found.append((setup, seed, False, "paper's"))
    return found


def _decomposition(document: AttributionsPrinted) -> list[str]:
    rows = []
    for setup, seed, crossed, fitted in _read(document):
        for r in token_tables.chosen(document, "decomposition", setup, seed, crossed=crossed):
            if r["part"] != "unexplained" or abs(r["value"] or 0) > 1e-6:
                part = PART_NAMES.get(r["part"], r["part"])
                rows.append([setup, _seed(seed), part, fitted,
                             _interval(r["value"], _ends(r))])  # fmt: skip
    columns = ["setup", "seed", "part", "groups", "change of soft uptake"]
    return [
        "what carries the change of the soft uptake (base value: the number of tokens alone)",
        table(columns, rows),
    ]


def _reliance(document: AttributionsPrinted) -> list[str]:
    """The curve, and its reading at the document's threshold."""
    rows = document["reliance"]
    cells = [
        [r["setup"], f"{r['threshold']:g}", f"{r['neutral_share_of_tokens']:.2f}",
         _interval(r["value"], r["ci"]), _interval(r["share"], r["share_ci"])]
        for r in rows
    ]  # fmt: skip
    columns = ["setup", "threshold", "of the tokens", "neutral tokens carry", "of the change"]
    readings = [
        tokens_sentences.reliance(rows, setup, document["threshold"]).replace("\\", "")
        for setup in dict.fromkeys(r["setup"] for r in rows)
    ]
    return [
        f"language reliance: what neutral tokens carry (95 % over {rows[0]['covers']})",
        table(columns, cells),
        *readings,
    ]


def _seed(seed: int | None) -> str:
    return "all" if seed is None else str(seed)


def _ends(row: ChosenSide | ChosenPart) -> list[float] | None:
    low, high = row["low"], row["high"]
    return None if low is None or high is None else [low, high]


def _size(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(value: float | None, ends: list[float] | None) -> str:
    if value is None:
        return "–"
    if ends is None:
        return f"{value + 0.0:+.3f}"
    return f"{value:+.3f} [{ends[0]:+.3f}, {ends[1]:+.3f}]"
