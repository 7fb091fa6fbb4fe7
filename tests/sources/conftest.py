"""A cache of their own for the tests of sources."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LANGSKEW_CACHE", str(folder))
    return folder
