from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
import pytest

from core.charts import calibration, comparison, data, mitigations, predictions
from core.charts import headline as headlines
from core.charts.palette import SETUP_COLOURS, SETUP_SHAPES, setup_encoding, setup_look
from core.checkpoints import studies
from core.figures import headline
from core.mitigation.setups import suggested
from core.results import comparison_tables, comparisons, overlap, study_results
from core.results.names import SETUP_ORDER, setups_in_order, short_names
from tests.helpers.started import small_study


def test_every_setup_has_a_look_and_an_unknown_one_gets_one() -> None:
    assert set(SETUP_ORDER) == set(SETUP_COLOURS) == set(SETUP_SHAPES)
    looks = [setup_look(setup) for setup in {*SETUP_ORDER, *suggested()}]
    assert len(set(looks)) == len(looks) > 20
    scale = setup_encoding(["adversarial", "balanced"])["color"].to_dict()["scale"]
    assert scale["domain"] == ["balanced", "adversarial"]
    assert scale["range"][0] == SETUP_COLOURS["balanced"]


def test_setups_have_one_order_whichever_there_are() -> None:
    given = ["imported", "imbalanced+leace", "imbalanced+zzz", "balanced", "imbalanced+focal"]
    wanted = ["balanced", "imbalanced+focal", "imbalanced+leace", "imbalanced+zzz", "imported"]
    assert setups_in_order([*given, "balanced"]) == wanted


def test_names_of_runs_are_short_and_tell_them_apart() -> None:
    def run(i: int, setup: str, seed: int, null: bool = False) -> dict:
        return {"run": f"{i:016d}", "setup": setup, "seed": seed, "null": null}

    runs = [
        run(1, "balanced", 0), run(2, "balanced", 1, True), run(3, "imbalanced", 0),
        run(4, "imbalanced", 1), run(5 * 10**11, "imported", 0),
        run(6 * 10**13, "imported", 0),
    ]  # fmt: skip
    names = list(short_names(runs).values())
    assert names[:4] == [
        "balanced", "balanced (null)", "imbalanced, seed 0", "imbalanced, seed 1"
    ]  # fmt: skip
    assert len(set(names)) == len(names)


def rows_of(chart: alt.LayerChart, column: str) -> list:
    return [r[column] for rows in chart.to_dict()["datasets"].values() for r in rows if column in r]


def test_every_chart_keeps_to_the_schema_of_vega_lite(done) -> None:
    """The pages do not check it, to save the time."""
    document = study_results.summary(small_study())
    runs = document["runs"]
    ids = [run["run"] for run in runs]
    made = [predictions.legend(runs), predictions.accuracy_by_language(document, runs)]
    made += [predictions.predicted_shares(document, runs, x) for x in document["labels"]]
    made += [predictions.intervals(runs, "skew_uptake", "slope", zero_line=True)]
    made += calibration.confusion(document, runs[0]) + calibration.reliability(document, runs)
    made += [headlines.over_setups(c.setups, c.runs, c.axis) for c in headline.cards(document)]
    made += [data.joint(t, s) for t in overlap.designs(small_study()).values() for s in data.SHOWN]
    made += [data.shared_rows(overlap.shared_rows(small_study(), "train"), runs)]
    compared = comparisons.compare_runs(small_study(), ids[1:2], ids[:1])
    made += comparison.differences(comparison_tables.table(compared))
    for chart in made:
        assert chart.to_dict()["$schema"]
    assert len(made) > 30
    assert studies.run_ids("small") == ids


def test_cells_of_a_joint_distribution_add_up() -> None:
    counts = pd.DataFrame([[1, 2], [3, 6]], index=["fr", "de"], columns=["bad", "good"])
    for shown, everything in (("counts", 12), ("shares", 1), ("difference from uniform", 0)):
        cells = data.joint_cells(counts, shown)
        inner = cells[~cells["margin"]]
        assert inner["value"].sum() == pytest.approx(everything)
        at = cells.set_index(["language", "label"])["value"]
        assert at["all", "all"] == pytest.approx(everything)
        for language in counts.index:
            sides = inner[inner["language"] == language]["value"].sum()
            assert at[language, "all"] == pytest.approx(sides)
    assert at["de", "good"] == pytest.approx(6 / 12 - 1 / 4)


def test_seeds_are_dots_and_their_values_are_written() -> None:
    setups = pd.DataFrame(
        {"setup": ["balanced", "imbalanced"], "value": [-0.001, 0.5], "low": [-0.1, None],
         "high": [0.1, None], "seeds": [3, 1]}
    )  # fmt: skip
    runs = pd.DataFrame(
        {"setup": ["balanced"] * 3 + ["imbalanced"], "seed": [0, 1, 2, 0],
         "value": [-0.1, 0.0, 0.097, 0.5]}
    )  # fmt: skip
    chart = headlines.over_setups(setups, runs, "x")
    assert sorted(x for x in rows_of(chart, "seed")) == [0, 1, 2]
    assert set(rows_of(chart, "line")) == {
        "balanced|0.00 [\u22120.10, 0.10]", "imbalanced|0.50"
    }  # fmt: skip


def test_names_of_many_setups_stand_apart_and_in_the_order_of_their_points() -> None:
    n = 21
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"name": [f"+s{i}" for i in range(n)], "stage": "loss", "equivalent": False, "seeds": 3,
         "uptake": rng.normal(0, 0.01, n), "accuracy": rng.normal(0, 0.0005, n)}
    )  # fmt: skip
    for name in ("uptake", "accuracy"):
        frame[f"{name} low"], frame[f"{name} high"] = frame[name] - 0.1, frame[name] + 0.1
    chart = mitigations.trade_off(frame, pd.DataFrame(), (0.1, 0.01)).to_dict()
    rows = max(chart["datasets"].values(), key=lambda rows: len(rows[0]))
    low, high = next(
        layer["encoding"]["y"]["scale"]["domain"]
        for layer in chart["layer"]
        if "scale" in layer["encoding"].get("y", {})
    )
    places = sorted((row["place"], row["accuracy"]) for row in rows)
    apart = np.diff([place for place, _ in places])
    assert len(places) == n and apart.min() > 0.03 * (high - low)
    assert low < places[0][0] and places[-1][0] < high
    assert [a for _, a in places] == sorted(a for _, a in places)
