"""Progress of work that may be asked to end: what it reports to, and what stops it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread

# Called with what is being done, and how much of it (0 to 1).
Progress = Callable[[str, float], None]


class Cancelled(BaseException):
    """A user asked to stop this work; what it has saved stays."""


class Terminated(BaseException):
    """The process was asked to end (SIGTERM); what is done is saved."""


class Stop:
    """Whether the work at hand is asked to stop.

    Args:
        cancelled: asked at every micro-batch, so it must be quick.
        terminated: set once the process is asked to end.
    """

    def __init__(
        self, cancelled: Callable[[], bool] | None = None, terminated: Event | None = None
    ) -> None:
        self._cancelled = cancelled or (lambda: False)
        self._terminated = terminated or Event()
        self._saves = False

    @property
    def terminated(self) -> bool:
        """Whether the process is asked to end."""
        return self._terminated.is_set()

    def check_cancelled(self) -> None:
        """Raise Cancelled if a user asked to stop."""
        if self._cancelled():
            raise Cancelled

    def check(self) -> None:
        """Raise Cancelled or Terminated if either is asked for."""
        self.check_cancelled()
        if self.terminated and not self._saves:
            raise Terminated

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Within, `check` does not raise Terminated: who is in here saves first, then raises it."""
        self._saves = True
        try:
            yield
        finally:
            self._saves = False


@contextmanager
def on_sigterm() -> Iterator[Event]:
    """An event that SIGTERM sets, in place of ending the process at once.

    Python delivers signals to the main thread; in another one the event is never set.
    """
    terminated = Event()
    if current_thread() is not main_thread():
        yield terminated
        return
    before = signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    try:
        yield terminated
    finally:
        signal.signal(signal.SIGTERM, before)
