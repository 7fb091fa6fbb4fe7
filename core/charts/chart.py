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

# Style of text that is a mark: black, but on a dark page, which says so when it draws.
INK = "ink"

# Checking charts against Vega-Lite's schema took half of a page's time. The tests do it.
schemapi.disable_debug_mode()


def unchecked(chart: AnyChart) -> dict[str, Any]:
    """A chart's Vega-Lite document, not checked against the schema."""
    document: dict[str, Any] = chart.to_dict(validate=False)
    # Streamlit's theme would push an axis' first and last number off their places.
    config = document.setdefault("config", {})
    config["axis"] = {"labelFlush": False, **config.get("axis", {})}
    return document
