"""The dashboard: page frame and navigation. Start it with `make app`."""

import streamlit as st

from core.storage import disk
from core.text import escaped
from pages.shared import access

# No material icons: they would be fetched from outside.
PAGES = [
    st.Page("pages/overview.py", title="Overview", default=True),
    st.Page("pages/train.py", title="Train"),
    st.Page("pages/data.py", title="Data"),
    st.Page("pages/predictions.py", title="Predictions"),
    st.Page("pages/latent.py", title="Latent space"),
    st.Page("pages/tokens.py", title="Tokens"),
    st.Page("pages/paper.py", title="Paper"),
    st.Page("pages/compare.py", title="Compare"),
]

st.set_page_config(page_title="LangSkew", page_icon="pages/icon.png", layout="wide")
if access.may_read():
    page = st.navigation(PAGES)
    access.show_visitor()
else:  # at every page's address, or a link to one would be said to lead nowhere
    doors = [
        st.Page(access.sign_in, title="Sign in", url_path=p.url_path, default=p is PAGES[0])
        for p in PAGES
    ]
    page = st.navigation(doors, position="hidden")
try:
    page.run()
except OSError as error:
    if (what := disk.trouble(error)) is None:  # a defect of ours
        raise
    st.error(escaped(f"{what}."))
