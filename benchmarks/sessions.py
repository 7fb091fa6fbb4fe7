"""A visitor without a browser: a session of the page over its WebSocket."""

from __future__ import annotations

import os
import socket as sockets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """A port that nobody listens on."""
    with sockets.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def start_server(port: int) -> subprocess.Popen[bytes]:
    """The page's server on a port; it answers when this returns."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while True:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1).close()
            return server
        except OSError:
            if server.poll() is not None:
                raise SystemExit(f"the server ended with {server.returncode}") from None
            time.sleep(0.1)


@contextmanager
def visitor(port: int) -> Iterator[ClientConnection]:
    """A new session."""
    address = f"ws://localhost:{port}/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        yield socket


def rerun(socket: ClientConnection, page: str, query: str) -> int:
    """Have the script of a page run, as a reload does; how many elements it sent.

    Raises:
        SystemExit: it showed an exception.
    """
    state = ClientState(query_string=query, page_name=page)
    socket.send(BackMsg(rerun_script=state).SerializeToString())
    elements = 0
    while True:
        frame = socket.recv(timeout=300)
        message = ForwardMsg.FromString(frame if isinstance(frame, bytes) else frame.encode())
        if message.WhichOneof("type") == "delta":
            elements += 1
            if message.delta.new_element.WhichOneof("type") == "exception":
                raise SystemExit(f"{page}: {message.delta.new_element.exception.message}")
        # A first run may send the visitor to another page: only a run's own end is one.
        if message.WhichOneof("type") == "script_finished" and (
            message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        ):
            return elements


def memory(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process in MB (Linux)."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
