"""The dashboard: page frame and navigation. Start it with `make app`.

Streamlit imports this file once, as the server starts, for `app`; then it runs it for each visitor.
"""

import streamlit as st
from starlette.middleware import Middleware

from core.storage import disk, places
from core.text import escaped
from pages.shared import access, door


def show() -> None:
    """The page that a visitor asked for, or the sign-in page."""
    # No material icons: they would be fetched from outside.
    pages = [
        st.Page("pages/overview.py", title="Overview", default=True),
        st.Page("pages/train.py", title="Train"),
        st.Page("pages/runs.py", title="Runs"),
        st.Page("pages/data.py", title="Data"),
        st.Page("pages/predictions.py", title="Predictions"),
        st.Page("pages/latent.py", title="Latent space"),
        st.Page("pages/tokens.py", title="Tokens"),
        st.Page("pages/paper.py", title="Paper"),
        st.Page("pages/compare.py", title="Compare"),
        st.Page("pages/mitigation.py", title="Mitigation"),
    ]
    st.set_page_config(page_title="LangSkew", page_icon="pages/icon.png", layout="wide")
    if access.may_read():
        page = st.navigation(pages)
        access.show_visitor()
    else:  # at every page's address, or a link to one would be said to lead nowhere
        doors = [
            st.Page(access.sign_in, title="Sign in", url_path=p.url_path, default=p is pages[0])
            for p in pages
        ]
        page = st.navigation(doors, position="hidden")
    try:
        page.run()
    except OSError as error:
        if (what := disk.trouble(error)) is None:  # a defect of ours
            raise
        st.error(escaped(f"{what}."))


if __name__ == "__main__":
    show()
else:
    places.keep_private()
    door.ask_nobody()
    app = st.App(__file__, middleware=[Middleware(door.Door)])
