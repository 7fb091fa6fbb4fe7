"""The dashboard: page frame and navigation. Start it with `make app`.

Streamlit imports this file once, as the server starts, for `app`; then it runs it for each visitor.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from core.storage import disk, places
from core.text import escaped
from pages.shared import access, contents, door


def show() -> None:
    """The page that a visitor asked for, or the sign-in page."""
    # No material icons: they would be fetched from outside.
    pages = [
        st.Page(entry.path, title=entry.title, default=entry.path == contents.OVERVIEW)
        for entry in contents.PAGES
    ]
    if access.may_read():
        page = st.navigation(pages)
        access.show_visitor()
    else:  # at every page's address, or a link to one would be said to lead nowhere
        doors = [
            st.Page(access.sign_in, title="Sign in", url_path=p.url_path, default=p is pages[0])
            for p in pages
        ]
        page = st.navigation(doors, position="hidden")
    st.set_page_config(
        page_title=f"{page.title} · LangSkew", page_icon="pages/icon.png", layout="wide"
    )
    st.html(Path(__file__).with_name("pages") / "shared" / "page.css")
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
