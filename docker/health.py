"""The image's health check: whether Streamlit answers, under the base path that it was given."""

import os
import urllib.request

port = os.environ.get("STREAMLIT_SERVER_PORT", "8501")
path = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
url = "/".join(part for part in (f"http://127.0.0.1:{port}", path, "_stcore/health") if part)
urllib.request.urlopen(url, timeout=4).close()  # raises, and so fails, unless it answers 200
