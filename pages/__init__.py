"""The pages of the dashboard; app.py has their navigation."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

# The first visitor after a start may come by a link to a page. As the folder is called pages,
# Streamlit then runs that page alone, without app.py; it is told to begin with app.py.
if PagesManager.uses_pages_directory:
    PagesManager.uses_pages_directory = False
    st.rerun()
