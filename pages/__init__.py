"""The pages of the dashboard; app.py has their navigation."""

from streamlit.runtime.pages_manager import PagesManager

# As the folder is called pages, Streamlit would run a page alone, without app.py, for the first
# visitor who comes by a link to one. The server imports this before there is any.
PagesManager.uses_pages_directory = False
