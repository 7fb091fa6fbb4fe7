"""Statements of the paper on its figures: each encoded once, and verdicts that can be wrong."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.measures.intervals import seeds_and_sentences
from core.paper import directions as paper_directions
from core.paper import published as paper
from core.paper import whole as paper_whole
from core.paper.directions import CLOSE
from core.paper.statements import SAME, STATEMENTS, WHOLE
from core.paper.verdicts import AGREES, CANNOT, DISAGREES, NO_VERDICT

SOURCE = Path(__file__).parents[3] / "shared" / "paper.md"
LABELS = ("1", "5")
PARTS = ("positive", "negative", "neutral", "base")
SETUPS = ("imbalanced", "imbalanced+cw")
Values = Callable[[str, str, str, str], float]  # of setup, label, part, and under or over


def clauses() -> list[str]:
    """What paper.md says of the figures, clause by clause, each with its place."""
    if not SOURCE.exists():
        pytest.skip(f"the paper's statements are not at {SOURCE}")
    section = SOURCE.read_text(encoding="utf-8").split("## Figures 1, 2, 3", 1)[1]
    table, after = section.split("| figure 1,", 1)[1].split("\n\n", 1)
    found = []
    for line in table.splitlines()[2:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        name, _, of_row = name.partition(" (")
        if of_row:  # base value much higher in the imbalanced model, so all differences ...
            found += [f"{name} | row | {x}" for x in of_row.rstrip(")").split(", ")]
        for side, cell in zip(("under", "over"), cells, strict=True):
            found += [f"{name} | {side} | {x}" for x in cell.split("; ") if x != "-"]
    for sentence in re.split(r"\.\s", after.replace("\n", " ").strip() + " "):
        name, colon, words = sentence.partition(": ")
        if colon:
            between = ", " if name.startswith("Equation") else "; "
            found += [f"{name} | {x}" for x in words.split(between)]
    return found


def test_every_statement_of_the_paper_is_encoded_once() -> None:
    said = SOURCE.read_text(encoding="utf-8") if SOURCE.exists() else ""
    encoded = [source for s in (*STATEMENTS, *WHOLE) for source in s.source] + list(SAME)
    assert len(set(encoded)) == len(encoded)
    beyond = "overall trend of section 4.3.2"  # of paper.md's rows for neutral tokens together
    listed = clauses()
    assert set(encoded) == {*listed, beyond}, set(encoded) ^ {*listed, beyond}
    assert len(listed) == 20
    for source in set(encoded) - {beyond}:
        assert source.split(" | ")[-1] in said.replace("\n", " ")


def test_a_bar_is_claimed_once() -> None:
    for corpus in paper.CORPORA:
        of = [s for s in STATEMENTS if corpus in s.corpora]
        places = [(s.setup, s.label, b.part, b.side, b.claim) for s in of for b in s.bars]
        assert len(set(places)) == len(places)
    words = " ".join(b.says for s in STATEMENTS for b in s.bars)
    assert not any(c.isdigit() for c in words.replace("close to 0", ""))  # no value is printed


def both(value: float, low: float, high: float, shift: float) -> dict:
    """Cross-fitted, and as in the paper."""
    return {"crossed": value, "crossed_ci": [low, high],
            "mean": value + shift, "ci": [low + shift, high + shift]}  # fmt: skip


def study(values: Values, seeds: int, rng: np.random.Generator, noise: float) -> dict:
    """A document as of `attributions.attributions`, of two labels, both setups.

    What is as in the paper has regression to the mean on top: positive tokens fall, negative rise.
    """
    keys = list(itertools.product(SETUPS, LABELS, PARTS))
    truth = np.array([[values(*key, side) for side in ("under", "over")] for key in keys])
    found = truth + noise * rng.standard_normal((seeds, *truth.shape))
    found = np.concatenate([found, found[..., 1:] - found[..., :1]], axis=2)
    rows, over = [], []
    made = seeds_and_sentences(found.reshape(seeds, -1), None) if seeds > 2 else None
    for i, (key, side) in enumerate(itertools.product(keys, ("under", "over", "over - under"))):
        place = dict(zip(("setup", "label", "group"), key, strict=True)) | {"side": side}
        shift = (
            0.0 if side == "over - under" else {"positive": -0.1, "negative": 0.1}.get(key[2], 0)
        )
        for seed, x in enumerate(found.reshape(seeds, -1)[:, i].tolist()):
            rows.append({**place, "seed": seed, **both(x, x - 0.1, x + 0.1, shift)})
        if made is not None:
            ends = (float(x[i]) for x in made[:3])
            over.append({**place, "n_seeds": seeds, **both(*ends, shift)})
    bars = [
        {"setup": setup, "seed": i, "label": label, "group": part, "language": language,
         "crossed": values(setup, label, part, side) + noise * rng.standard_normal()}
        for setup in SETUPS for i in range(seeds) for label in LABELS for part in PARTS
        for side in ("under", "over") for language in (f"{side} 1", f"{side} 2")
    ]  # fmt: skip
    return {"labels": list(LABELS), "reference": "balanced", "sides": rows, "rows": bars,
            "over_seeds": {"sides": over}}  # fmt: skip


def nothing(setup: str, label: str, part: str, side: str) -> float:
    return 0.0


def as_published(setup: str, label: str, part: str, side: str) -> float:
    """Values that are as paper.md says, of amazon and XNLI at once."""
    if setup == "imbalanced+cw":
        return {"positive": -0.05, "negative": 0.05}.get(part, 0.0)
    over, last = side == "over", label == "5"
    if part == "base":
        return 0.3 if last else 0.0
    if part == "neutral":
        return (0.1 if last else 0.2) if over else -0.2
    if part == "negative":
        return 0.05 if over else 0.1
    return (-0.2 if over else -0.3) if last else (-0.05 if over else -0.1)


def said(document: dict, corpus: str, setup: str):
    return paper_directions.directions(document, corpus, 1, setup)


def test_without_an_effect_hardly_anything_agrees_or_disagrees() -> None:
    """Though as in the paper supporting tokens fall and opposing ones rise in every study."""
    rng = np.random.default_rng(0)
    found: dict[tuple[str, str], list[str]] = {}
    for _ in range(20):
        document = study(nothing, 3, rng, 0.05)
        for corpus in paper.CORPORA:
            for setup in SETUPS:
                for row in said(document, corpus, setup).to_dict("records"):
                    claim = (row["published"], row["part"])
                    found.setdefault(claim, []).append(row["verdict"])
                    if row["part"] == "supporting (positive)" and row["side"] in ("under", "over"):
                        assert row["as in the paper"] < row["cross-fitted"]
    everything = [v for verdicts in found.values() for v in verdicts]
    assert everything.count(AGREES) / len(everything) <= 0.05
    assert everything.count(DISAGREES) / len(everything) <= 0.05
    assert everything.count(CANNOT) / len(everything) > 0.9


def test_a_known_effect_agrees_and_its_opposite_disagrees() -> None:
    rng = np.random.default_rng(1)
    counts = {sign: {AGREES: 0, DISAGREES: 0, "n": 0} for sign in (1, -1)}
    for sign in (1, -1):
        for _ in range(5):
            document = study(lambda *x, sign=sign: sign * as_published(*x), 5, rng, 0.004)
            for corpus in paper.CORPORA:
                frame = said(document, corpus, "imbalanced")
                counts[sign]["n"] += len(frame)
                for word in (AGREES, DISAGREES):
                    counts[sign][word] += int((frame["verdict"] == word).sum())
    assert counts[1][AGREES] >= 0.9 * counts[1]["n"]
    assert counts[1][DISAGREES] == 0
    assert counts[-1][DISAGREES] >= 0.8 * counts[-1]["n"]


@pytest.mark.parametrize(
    ("truth", "noise", "word", "least", "most"),
    [
        (0.0, 0.001, AGREES, 0.9, 1.0),
        (0.0, 0.05, AGREES, 0.0, 0.05),  # a wide interval is no evidence
        (CLOSE, 0.001, AGREES, 0.0, 0.05),  # at the margin
        (3 * CLOSE, 0.001, DISAGREES, 0.9, 1.0),
    ],
)
def test_close_to_0_is_shown_or_not_said(truth, noise, word, least, most) -> None:
    rng, verdicts = np.random.default_rng(2), []
    for _ in range(25):
        document = study(lambda *_: truth, 4, rng, noise)
        frame = said(document, "amazon", "imbalanced+cw")
        verdicts += frame.loc[frame["published"] == "close to 0", "verdict"].tolist()
    assert least <= verdicts.count(word) / len(verdicts) <= most


@pytest.mark.parametrize("seeds", [1, 2])
def test_below_three_seeds_there_are_numbers_and_no_verdict(seeds) -> None:
    document = study(as_published, seeds, np.random.default_rng(3), 0.01)
    frame = said(document, "amazon", "imbalanced")
    assert set(frame["verdict"]) == {NO_VERDICT}
    assert frame["cross-fitted"].notna().all() and frame["as in the paper"].notna().all()
    assert frame["from"].isna().all() == (seeds == 2) or seeds == 1
    assert "without a verdict" in paper_directions.reading([frame])
    text = paper_whole.readings(document, None, {"runs": []}, 1)[0]
    assert text.endswith(f"**{NO_VERDICT}**.")


def test_the_neutral_tokens_are_the_main_effect_or_not() -> None:
    rng = np.random.default_rng(4)

    def claimed(positive: float) -> str:
        values = {"positive": positive, "neutral": 0.1}
        document = study(lambda s, y, part, side: values.get(part, 0.0), 5, rng, 0.002)
        frame = said(document, "amazon", "imbalanced")
        row = frame[
            (frame["published"] == "not the main effect")
            & (frame["part"] == "supporting (positive)")
        ]
        return str(row["verdict"].iloc[0])

    assert claimed(-0.03) == claimed(0.03) == AGREES
    assert claimed(-0.2) == claimed(0.2) == DISAGREES  # larger, whatever its sign
    assert claimed(-0.1) == CANNOT


def test_panels_are_the_papers_in_its_order() -> None:
    document = study(nothing, 1, np.random.default_rng(5), 0.01)
    expected = [(setup, label) for setup in SETUPS for label in LABELS]
    assert paper_directions.panels_of(document, 1) == expected
    assert paper_directions.panels_of(document, 3) == []
    assert paper_directions.directions(document, "amazon", 3, "imbalanced+entropy").empty


def test_class_weights_make_bars_smaller_or_not() -> None:
    rng = np.random.default_rng(6)
    words = {AGREES: 0, DISAGREES: 0, CANNOT: 0}
    for _ in range(40):  # no effect: both setups alike
        (text,) = paper_whole.readings(study(nothing, 3, rng, 0.05), None, {"runs": []}, 1)
        words[re.findall(r"\*\*(.+?)\*\*", text)[-1]] += 1
    assert words[CANNOT] >= 34  # 95 % but for the noise of 40 studies
    (text,) = paper_whole.readings(study(as_published, 3, rng, 0.004), None, {"runs": []}, 1)
    assert text.endswith(f"**{AGREES}**.") and "goes from 0.1" in text


def test_equation_3_makes_base_values_smaller_and_does_not_hinder() -> None:
    rng = np.random.default_rng(7)
    without = study(as_published, 3, rng, 0.004)
    with_it = study(nothing, 3, rng, 0.004)
    for row in with_it["rows"]:
        row["setup"] += "+entropy"

    def runs(loss: float) -> dict:
        return {"runs": [
            {"setup": setup + suffix, "seed": seed, "state": "done", "null": False,
             "accuracy": 0.7 + 0.002 * seed - (loss if suffix else 0.0) * (1 + 0.05 * seed)}
            for setup in paper.SETUPS for suffix in ("", "+entropy") for seed in range(3)
        ]}  # fmt: skip

    base, accuracy = paper_whole.readings(with_it, without, runs(0.001), 3)
    assert f"**{AGREES}**" in base and "much" in base
    assert accuracy.endswith(f"**{AGREES}**.") and "imbalanced+cw −0.001" in accuracy
    for loss, word in ((0.05, DISAGREES), (0.01, CANNOT)):
        assert paper_whole.readings(with_it, without, runs(loss), 3)[1].endswith(f"**{word}**.")
    assert len(paper_whole.readings(with_it, None, runs(0.0), 3)) == 1  # accuracy alone
