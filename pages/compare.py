"""In what do two runs or setups differ, beyond chance or not, and what was set differently?"""

import streamlit as st

from core.checkpoints.studies import Started
from core.errors import InputError
from core.figures import comparison
from core.results import comparison_tables, comparisons, settings
from core.results.schema import RunComparison
from core.text import escaped
from pages.shared import access, address, drawing, study_data

access.gate()

st.title("Compare")
study, document = study_data.choose_study()
name = study.name
st.caption(
    f"Study **{escaped(name)}**. Two setups over their seeds, or two runs: every measure, and only "
    "the settings that differ."
)
runs = study_data.done_runs(document)
sides = comparison_tables.sides(runs)
places = st.columns([2, 2, 1])
with places[0]:
    default = "imbalanced" if "imbalanced" in sides else next(reversed(sides))
    first = address.choose(
        "First", "a", list(sides), default, show=lambda x: sides[x][0], always=True
    )
with places[1]:
    other = next((x for x in sides if x != first), first)
    second = address.choose(
        "Second", "b", list(sides), other, show=lambda x: sides[x][0], always=True
    )
with places[2]:
    margins = address.choose(
        "Margins",
        "margins",
        (0.5, 1.0, 2.0),
        1.0,
        show=lambda x: "as usual" if x == 1 else f"× {x:g}",
        help="A difference that is smaller is of no consequence: equivalent. The usual ones are "
        "accuracy .01 (the paper's smallest loss), uptake .10 (less than a third of the paper's), "
        "language effect and calibration .02, base values and language identification .05.",
    )


@st.cache_data(
    show_spinner="Comparing over resampled sentences …",
    max_entries=32,
    hash_funcs=study_data.RESULTS,
)
def compared(study: Started, a: list[str], b: list[str], margins: float) -> list[RunComparison]:
    return comparisons.compare_runs(study, a, b, margins)


if first == second:
    st.info("Choose two different ones: a run does not differ from itself.")
    st.stop()
a, b = sides[first][1], sides[second][1]
try:
    frame = comparison_tables.table(compared(study, a, b, margins))
    differing = settings.differing(a, b)
except InputError as error:
    st.error(escaped(str(error)))
    st.stop()

if frame["from"].notna().any():
    titles = {side: sides[side][0] for side in (first, second)}
    drawing.show(comparison.differences(frame, name, titles, runs[0]["n_test"]))
st.markdown("#### Every measure")
drawing.table(
    frame,
    f"{name}-{first}-{second}-measures",
    shown=[
        "measure",
        "difference",
        "from",
        "to",
        "margin",
        "verdict",
        "first",
        "second",
        "p",
        "seeds",
        "interval covers",
    ],
)
st.caption(
    "No interval: with fewer than three seeds a probe and a base value have one value a run. "
    f"{comparison.UNCORRECTED}"
)
st.markdown("#### Settings that differ")
if len(differing):
    drawing.table(differing, f"{name}-{first}-{second}-settings")
else:
    st.caption("None.")
