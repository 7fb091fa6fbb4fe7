"""What a test needs of the machine."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where all is to be there: LANGSKEW_TESTS=all, as in `.ci/run`."""
    if os.environ.get("LANGSKEW_TESTS") == "all":
        pytest.fail(f"{what}, and LANGSKEW_TESTS is all", pytrace=False)
    pytest.skip(what)
