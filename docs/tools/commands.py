"""Write the options of docs/commands.md as `--help` has them: `make commands`."""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

from core.__main__ import main as command_line

FILE = Path(__file__).parents[1] / "commands.md"
BELOW = "## Options\n"  # all below this heading is written here
_ENTRY = re.compile(r"^ {2,4}(\S.*?)(?:(?: {2,}|\n {6,})(\S.*))?$", re.MULTILINE)


def options() -> str:
    """A section a command: what it does, and a table of its arguments."""
    return "\n".join(_section(verb, does) for verb, does in entries().items())


def entries(*verb: str) -> dict[str, str]:
    """What `python -m core … --help` says of each command or, of one command, of each argument."""
    printed = io.StringIO()
    # A line as wide as it likes: what is wrapped, Python's versions wrap in their own ways.
    with patch.dict(os.environ, COLUMNS="10000"), redirect_stdout(printed), suppress(SystemExit):
        command_line([*verb, "--help"])
    found = dict(_ENTRY.findall(printed.getvalue()))
    return {name: text for name, text in found.items() if name not in ("-h, --help", "COMMAND")}


def _section(verb: str, does: str) -> str:
    found = entries(verb)
    lines = [f"### {verb}", "", f"{does[0].upper()}{does[1:]}.", ""]
    if found:
        rows = [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in found.items()]
        lines += ["| argument | what it is |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def main() -> None:
    """Write the file's options anew; what stands above them stays."""
    above, heading, _ = FILE.read_text(encoding="utf-8").partition(BELOW)
    FILE.write_text(f"{above}{heading}\n{options()}", encoding="utf-8")


if __name__ == "__main__":
    main()
