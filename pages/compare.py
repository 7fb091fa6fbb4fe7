"""In what do runs or setups differ from a baseline, beyond chance or not, and by which settings?"""

import streamlit as st

from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import comparison
from core.results import comparison_tables, comparisons, settings
from core.results.schema import RunComparison
from core.text import escaped
from pages.parts import compare_sides
from pages.shared import access, address, drawing, slices, study_data

access.gate()

st.title("Compare")
study, document = study_data.choose_study()
name = study.name
st.caption(
    f"Study **{escaped(name)}**. Setups over their seeds, or runs, against a baseline: every "
    "measure, and only the settings that differ."
)
runs = study_data.done_runs(document)
slices.show(study, document, slices.choose(study))
sides = comparison_tables.sides(runs)
firsts, baseline, margins = compare_sides.choose(sides)


@st.cache_data(
    show_spinner="Comparing over resampled sentences …",
    max_entries=64,
    hash_funcs=study_data.RESULTS,
)
def compared(study: Started, a: list[str], b: list[str], margins: float) -> list[RunComparison]:
    return comparisons.compare_runs(study, a, b, margins)


if not firsts:
    st.info("Choose one or more that differ from the baseline: a run does not differ from itself.")
    st.stop()
titles = {side: sides[side][0] for side in (*firsts, baseline)}
frames, refused = {}, {}
for side in firsts:
    try:
        found = compared(study, sides[side][1], sides[baseline][1], margins)
        frames[side] = comparison_tables.table(found)
    except InputError as error:
        refused[side] = str(error)
for side, why in refused.items():
    st.error(escaped(f"{titles[side]}: {why}" if len(firsts) > 1 else why))
if not frames:
    st.stop()
if len(frames) > 1:
    drawing.show_block(comparison.side_by_side(frames, name, titles))
    st.caption(comparison.UNCORRECTED)
    closer = address.choose("Look closer at", "closer", list(frames), show=titles.__getitem__)
else:
    closer = next(iter(frames))
frame = frames[closer]
if frame["from"].notna().any():
    pair = {side: titles[side] for side in (closer, baseline)}
    drawing.show(comparison.differences(frame, name, pair, runs[0]["n_test"]))
st.markdown("#### Every measure")
shown = ["measure", "difference", "from", "to", "margin", "verdict", "first", "second", "p"]
drawing.table(
    frame,
    f"{name}-{closer}-{baseline}-measures",
    shown=[*shown, "seeds", "interval covers"],
)
st.caption(
    "No interval: with fewer than three seeds a probe and a base value have one value a run. "
    f"{comparison.UNCORRECTED}"
)
st.markdown("#### Settings that differ")
differing = settings.differing(sides[closer][1], sides[baseline][1])
if len(differing):
    drawing.table(differing, f"{name}-{closer}-{baseline}-settings")
else:
    st.caption("None.")
