"""What all pages share: choosing a study, empty states, downloads."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core import results, study
from core.errors import InputError

NO_STUDY = """No study has been trained yet. In a terminal, in the folder of LangSkew:

```
make demo
```

fetches a small real corpus and encoder (once, 450 MB), trains four models in some minutes on a
laptop, and then this page shows what the skew of a training set does to them.
`python -m core study FILE.toml` does the same for your own corpus.
"""


def choose_study() -> dict[str, Any]:
    """The results of the study chosen in the sidebar; stops the page where there is none.

    The choice stands in the address bar as `study`.
    """
    names = study.started()
    if not names:
        st.info(NO_STUDY)
        st.stop()
    asked = st.query_params.get("study")
    if asked is not None and asked not in names:
        st.warning(f"The study {asked!r} of this link is not here; showing {names[0]!r}.")
    name = st.sidebar.selectbox(
        "Study",
        names,
        index=names.index(asked) if asked in names else 0,
        help="Runs that belong together: one corpus and encoder, trained with and without skew.",
    )
    st.query_params["study"] = name
    try:
        return _summary(name, results.fingerprint(name))
    except InputError as error:
        st.error(str(error))
        st.stop()


@st.cache_data(show_spinner="Reading the study's predictions …", max_entries=8)
def _summary(name: str, fingerprint: str) -> dict[str, Any]:
    return results.summary(name)


def done_runs(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that are done; says what is missing, and stops the page where all are."""
    unfinished = [run for run in document["runs"] if run["state"] != "done"]
    for run in unfinished:
        text = f"**{run['setup']}, seed {run['seed']}** ({run['run']}) is {run['state']}"
        message = f": {run['message']}" if run["message"] else "."
        show = st.warning if run["state"] in ("failed", "interrupted", "cancelled") else st.info
        show(f"{text}{message}")
    if unfinished:
        st.caption(f"`python -m core study {document['study']}` trains what is missing.")
    done = [run for run in document["runs"] if run["state"] == "done"]
    if not done:
        st.stop()
    return done


def table(
    frame: pd.DataFrame, name: str, formats: dict[str, str], shown: list[str] | None = None
) -> None:
    """A sortable table with a download of all its numbers, unrounded.

    Args:
        formats: how a column's numbers are shown.
        shown: columns on the page; by default all.
    """
    st.dataframe(
        frame,
        hide_index=True,
        width="stretch",
        column_order=shown,
        column_config={
            column: st.column_config.NumberColumn(format=formats[column])
            for column in frame
            if column in formats
        },
    )
    st.download_button(
        "Download CSV",
        frame.to_csv(index=False).encode("utf-8-sig"),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"download-{name}",
    )
