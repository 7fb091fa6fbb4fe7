"""The command line: `python -m core …`, the same verbs as the dashboard."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from core.cli import corpora, grids, queue, results, training
from core.errors import InputError
from core.progress import Cancelled, Terminated
from core.storage import disk, places
from core.terminal import say


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it went well, 2 on wrong input, 130 when stopped by hand."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # Threads that wait must sleep: where other work runs beside it, training was 4 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    places.keep_private()
    chosen = _parser().parse_args(arguments)
    if not getattr(chosen, "logs", False):  # a command says in one line what a log has at length
        logging.getLogger("core").setLevel(logging.ERROR)
    try:
        chosen.command(chosen)
    except InputError as error:
        say(f"langskew: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Cancelled):
        say("\nlangskew: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    except Terminated:
        say("\nlangskew: asked to end; the same command goes on from here.", file=sys.stderr)
        return 143
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if (what := disk.trouble(error)) is None:  # a defect of ours
            raise
        say(f"langskew: {what}.", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="See, measure and fix language-specific class imbalance in fine-tuning.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for verbs in (corpora, training, queue, results, grids):
        verbs.add_to(commands)
    return parser
