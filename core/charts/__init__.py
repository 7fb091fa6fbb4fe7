"""Tables to Altair charts, for pages and report alike. One file a kind of chart."""

import altair as alt

AnyChart = (
    alt.Chart
    | alt.LayerChart
    | alt.FacetChart
    | alt.ConcatChart
    | alt.HConcatChart
    | alt.VConcatChart
)
