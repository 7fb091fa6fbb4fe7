"""Commands as a shell gives them, for tests."""

from __future__ import annotations

import json

import pytest

from core.cli.main import main


def show(capsys: pytest.CaptureFixture, *arguments: str) -> dict:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)
