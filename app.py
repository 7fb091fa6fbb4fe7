"""The dashboard: page frame and navigation. Start it with `make app`."""

import streamlit as st

st.set_page_config(page_title="LangSkew", page_icon="pages/icon.png", layout="wide")
st.navigation([st.Page("pages/predictions.py", title="Predictions", default=True)]).run()
