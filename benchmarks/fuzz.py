"""Damaged files by the thousand, in every format that LangSkew reads: what is not read or refused.

Run by hand: `python -m benchmarks.fuzz [--minutes 10] [--seed 0] [--target NAME] [--json]`. The
same cases as those of the tests (`tests/helpers/fuzz.py`), as many as the time allows, each target
in turn. A finding is anything but a right answer or an InputError: another exception, a reader that
takes a minute, a healthy study that changes because of the damaged one beside it. What is printed
with it is the seed of the case: `--seed N --cases 1` with its target does it again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from tests.helpers import fuzz


def main() -> int:
    """Print cases and findings by target; 1 where there are any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="in all (%(default)s)")
    parser.add_argument("--cases", type=int, help="of each target, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the first case (%(default)s)")
    parser.add_argument("--target", choices=fuzz.TARGETS, help="one of them; by default all")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args()
    targets = [chosen.target] if chosen.target else list(fuzz.TARGETS)
    found: dict[str, fuzz.Counted] = {}
    with tempfile.TemporaryDirectory(prefix="langskew-fuzz-") as name:
        folder = Path(name)
        os.environ["LANGSKEW_CACHE"] = str(folder / "cache")
        (folder / "empty").mkdir()
        made = folder
        if set(targets) & set(fuzz.IN_CHECKPOINTS):
            with redirect_stdout(sys.stderr):  # what is printed here is the result alone
                made = fuzz.made(folder)
        for target in targets:
            place = made if target in fuzz.IN_CHECKPOINTS else folder / "empty"
            seconds = 60 * chosen.minutes / len(targets)
            found[target] = fuzz.run(
                target, place, seed=chosen.seed, cases=chosen.cases, seconds=seconds
            )
            if not chosen.json:
                print(f"{target}: {found[target].cases} cases", file=sys.stderr, flush=True)
    if chosen.json:
        print(json.dumps({target: vars(counted) for target, counted in found.items()}, indent=1))
    else:
        print("| target | cases | findings |\n| --- | --- | --- |")
        for target, counted in found.items():
            print(f"| {target} | {counted.cases} | {len(counted.findings)} |")
        for target, counted in found.items():
            for finding in counted.findings:
                print(f"{target}, {finding}")
    return int(any(counted.findings for counted in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
