"""Tables to Altair charts, for pages and report alike. One file a kind of chart."""

from typing import Any

import altair as alt
from altair.utils import schemapi

AnyChart = (
    alt.Chart
    | alt.LayerChart
    | alt.FacetChart
    | alt.ConcatChart
    | alt.HConcatChart
    | alt.VConcatChart
)

# Letters, and marks of the style `ink`: no one grey is read on a white and on a dark ground (4.5 to
# 1; WCAG 2.2, 1.4.3), so on pages they have the colour of the text around them. On white:
INK = "#3A3D48"
STYLE = "ink"

# Checking charts against Vega-Lite's schema took half of a page's time. The tests do it.
schemapi.disable_debug_mode()


def looks(ink: str) -> dict[str, Any]:
    """What all charts have in common, as Vega-Lite's `config`.

    Args:
        ink: colour of letters and of marks of the style `ink`, as CSS has it.
    """
    letters = {"labelColor": ink, "titleColor": ink}
    whole = {"opacity": 1}  # Vega-Lite's own 0.7 takes a mark's contrast away
    return {
        # Streamlit's theme would push an axis' first and last number off their places.
        "axis": {"labelFlush": False, **letters},
        "legend": {"symbolOpacity": 1, **letters},
        "header": letters,
        "title": {"subtitleColor": ink},
        "text": {"color": ink},
        **dict.fromkeys(("point", "tick", "square", "circle"), whole),
        "style": {STYLE: {"color": ink}},
    }


def unchecked(chart: AnyChart) -> dict[str, Any]:
    """A chart's Vega-Lite document for a page, not checked against the schema."""
    document: dict[str, Any] = chart.to_dict(validate=False)
    given = document.get("config", {})
    common = looks("currentColor")
    document["config"] = common | {
        key: {**common.get(key, {}), **value} if isinstance(value, dict) else value
        for key, value in given.items()
    }
    return document
