"""Many visitors at once: how long an answer takes, and what is kept of them.

    python -m benchmarks.load [--study demo] [--sessions 50] [--reruns 500] [--json]

Run by hand after `make demo`. The page's server is started over the checkpoints folder. A first
visitor opens every page, so that what all share is read. Then the sessions are opened at once, a
page each in turn, and all answers are waited for; then one session is asked for its page again and
again. Memory is the server's, resident, before the sessions, while they are open, after they are
closed, and after the reruns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from benchmarks.sessions import free_port, memory, rerun, start_server, visitor

PAGES = ("", "data", "predictions", "latent", "tokens", "compare", "paper", "train")


def seconds_of(socket: Any, page: str, query: str) -> float:
    """How long a page's answer takes."""
    started = time.perf_counter()
    rerun(socket, page, query)
    return time.perf_counter() - started


def measure(study: str, sessions: int, reruns: int) -> dict[str, Any]:
    """Seconds of the answers and megabytes of the server."""
    query, port = f"study={study}", free_port()
    server = start_server(port)
    try:
        with visitor(port) as first:
            for page in PAGES:
                rerun(first, page, query)
        found: dict[str, Any] = {"memory_before": memory(server)}
        with ExitStack() as stack, ThreadPoolExecutor(sessions) as pool:
            opened = [stack.enter_context(visitor(port)) for _ in range(sessions)]
            asked = [
                pool.submit(seconds_of, socket, PAGES[i % len(PAGES)], query)
                for i, socket in enumerate(opened)
            ]
            times = [answer.result() for answer in asked]
            found["memory_during"] = memory(server)
        found |= {"sessions": sessions, "median": statistics.median(times), "longest": max(times)}
        time.sleep(5)  # until the server has noticed that they left
        found["memory_after"] = memory(server)
        with visitor(port) as one:
            times = [seconds_of(one, "", query) for _ in range(reruns)]
        few = min(20, len(times))
        found |= {
            "reruns": reruns,
            "first_reruns": statistics.median(times[:few]),
            "last_reruns": statistics.median(times[-few:]),
            "memory_after_reruns": memory(server),
        }
    finally:
        server.terminate()
        server.wait()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--study", default="demo", help="(%(default)s)")
    parser.add_argument("--sessions", type=int, default=50, help="at once (%(default)s)")
    parser.add_argument("--reruns", type=int, default=500, help="of one session (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args()
    found = measure(chosen.study, chosen.sessions, chosen.reruns)
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(
        f"{found['sessions']} sessions at once: median {found['median']:.1f} s, "
        f"longest {found['longest']:.1f} s"
    )
    print(
        f"memory, MB: before {found['memory_before']:.0f}, during {found['memory_during']:.0f}, "
        f"after {found['memory_after']:.0f}"
    )
    print(
        f"{found['reruns']} reruns of one session: median of the first twenty "
        f"{found['first_reruns']:.2f} s, of the last {found['last_reruns']:.2f} s; "
        f"memory then {found['memory_after_reruns']:.0f} MB"
    )


if __name__ == "__main__":
    main()
