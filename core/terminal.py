"""Tables and progress for the command line."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import east_asian_width

from core.text import printable


def say(text: object, **more: Any) -> None:
    """Print lines; texts of users in them cannot write elsewhere in the terminal or recolour it.

    Args:
        more: for print.
    """
    print(printable(str(text), keep="\n"), **more)


def as_json(document: Mapping[str, object]) -> str:
    """A document as the commands with `--json` print it."""
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of text, the first left-aligned, numbers right-aligned."""
    cells = [[printable(str(c)) for c in row] for row in [columns, *rows]]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(columns))]
    numeric = [
        i > 0 and all(isinstance(row[i], (int, float)) or _is_number(str(row[i])) for row in rows)
        for i in range(len(columns))
    ]
    lines = []
    for row in cells:
        parts = []
        for cell, width, right in zip(row, widths, numeric, strict=True):
            blanks = " " * (width - _width(cell))
            parts.append(blanks + cell if right else cell + blanks)
        lines.append("  ".join(parts).rstrip())
    lines.insert(1, "  ".join("─" * w for w in widths))
    return "\n".join(lines)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _is_number(text: str) -> bool:
    return text in ("", "–") or text[:1] in "0123456789-+."


class Line:
    """One line of progress on standard error, rewritten in place where that is a terminal."""

    def __init__(self, label: str) -> None:
        self.label = printable(label)
        self._what = ""
        self._started = self._shown = time.monotonic()
        self._open = False

    def __call__(self, what: str, share: float) -> None:
        """Show what is being done and how much of it (0 to 1)."""
        now, what = time.monotonic(), printable(what)
        if sys.stderr.isatty():
            if what == self._what and now - self._shown < 0.2 and share < 1:
                return
            bar = "█" * round(20 * share) + "░" * (20 - round(20 * share))
            seconds = now - self._started
            end = "\n" if what == "done" else ""
            print(
                f"\r\x1b[K{self.label}  {bar} {what} {share:4.0%} {seconds:.0f} s",
                end=end,
                file=sys.stderr,
                flush=True,
            )
        elif what != self._what:
            print(
                f"{self.label}  {what} ({now - self._started:.0f} s)", file=sys.stderr, flush=True
            )
        self._what, self._shown = what, now


def quiet() -> None:
    """Silence progress bars and advice of libraries; ours say what matters.

    Uses all cores, or as many as OMP_NUM_THREADS says.
    """
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if named := os.environ.get("OMP_NUM_THREADS"):
        # Or a map would give torch all cores again: numba's threads are OpenMP's too.
        os.environ.setdefault("NUMBA_NUM_THREADS", named.split(",")[0])
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        torch.set_num_threads(cores)


def number(value: float | None, digits: int) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.{digits}f}"


def interval(value: float | None, ends: list[float] | None) -> str:
    """A number with the ends of its interval; a dash without one."""
    if value is None or ends is None:
        return "–"
    numbers = (round(x, 3) + 0.0 for x in (value, *ends))  # -0.0 becomes 0.0
    return "{:.3f} [{:.3f}, {:.3f}]".format(*numbers)
