"""Curves over a grid, of made-up tables."""

from __future__ import annotations

from typing import Any

import pytest

from core.figures import dose as figures
from core.figures import export
from core.results.dose import MEASURES, NOTHING, Dose, DoseRow


def made(**axes: list[Any]) -> Dose:
    """Differences of strength / 10 of the imbalanced setup, half of that with class weights."""
    rows: list[DoseRow] = []
    for strength in axes.get("strengths", [1.0]):
        for size in axes.get("sizes", [1188]):
            for encoder in axes.get("encoders", ["e5"]):
                setups = {"imbalanced": 0.1, "imbalanced+cw": 0.05} if strength else {"balanced": 0}
                for setup, slope in setups.items():
                    for measure in MEASURES:
                        value = slope * strength
                        rows.append(
                            {
                                "study": "x",
                                "strength": strength,
                                "size": size,
                                "encoder": encoder,
                                "cramers_v": 0.3 * strength,
                                "mutual_information_bits": 0.1 * strength,
                                "setup": setup,
                                "measure": measure,
                                "seeds": 3,
                                "value": value,
                                "difference": value,
                                "low": value - 0.03 if strength else None,
                                "high": value + 0.03 if strength else None,
                                "covers": "other seeds" if strength else NOTHING,
                                "verdict": "differs" if value > 0.03 else "cannot tell",
                                "between_balanced": 0.02,
                            }
                        )
    return {"grid": "g<b>", "rows": rows, "missing": {"g-s2": "0 of 9 runs are done"}}


@pytest.mark.parametrize(
    ("axes", "panels", "columns", "over"),
    [
        ({"strengths": [0.0, 0.25, 1.0]}, 5, 3, "strength of the skew"),
        ({"strengths": [0.0, 0.25, 1.0], "sizes": [60, 600]}, 10, 2, "strength of the skew"),
        ({"sizes": [60, 600, 6000]}, 5, 3, "training rows"),
        ({"sizes": [60, 600], "encoders": ["a", "b<i>", "c"]}, 15, 3, "training rows"),
    ],
)
def test_a_panel_is_a_measure_over_the_axis_that_varies(axes, panels, columns, over) -> None:
    figure = figures.curves(made(**axes))
    assert figure is not None
    assert (len(figure.charts), figure.columns) == (panels, columns)
    ends = {}
    for chart in figure.charts:
        document = chart.to_dict(validate=True)
        line = document["layer"][2]["encoding"]
        assert line["x"]["title"] == over
        ends.setdefault(line["y"]["title"], set()).add(tuple(line["y"]["scale"]["domain"]))
    assert len(ends) == len(MEASURES) and all(len(of) == 1 for of in ends.values())
    assert "<svg" in export.svg(figure.specification)
    assert "Not there yet: g-s2" in figure.caption and "cover other seeds." in figure.caption
    assert "<i>" not in figure.reading


def test_the_reading_has_the_ends_of_the_curves_and_how_many_points_differ() -> None:
    figure = figures.curves(made(strengths=[0.0, 0.25, 1.0]))
    assert figure is not None
    assert (
        "**accuracy** of imbalanced minus balanced: 0.025 [−0.005, 0.055] at strength 0.25, "
        "0.100 [0.070, 0.130] at strength 1; differs at 1 of 2 points."
    ) in figure.reading


def test_without_a_trained_point_there_is_no_curve() -> None:
    empty: Dose = {"grid": "g", "rows": [], "missing": {}}
    assert figures.curves(empty) is None
    assert figures.rows(empty).frame.empty


def test_the_table_is_written_with_all_its_columns() -> None:
    table = figures.rows(made(strengths=[0.0, 1.0]))
    assert set(table.shown or ()) < set(table.frame)
    assert "imbalanced+cw" in export.latex(table.frame[list(table.shown or ())], table.formats)
    assert export.csv(table.frame).count(b"\r\n") == len(table.frame) + 1
