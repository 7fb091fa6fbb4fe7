"""The dashboard: page frame and navigation. Start it with `make app`."""

import streamlit as st

# No material icons: they would be fetched from outside.
PAGES = [
    st.Page("pages/predictions.py", title="Predictions", default=True),
]

st.set_page_config(page_title="LangSkew", page_icon="pages/icon.png", layout="wide")
st.navigation(PAGES).run()
