"""What the server does with every request before Streamlit sees it.

Streamlit checks the name that a connection was made to (`server.allowedHosts`) and the page that it
comes from too, but only as a WebSocket opens, and it lets in every page of this machine, on
whatever port. Here a page may connect to the server that it came from, and those that
`server.corsAllowedOrigins` names, and no other.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from streamlit import net_util
from streamlit.web.server import server_util
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from pages.shared import access

# No other site may show a page inside its own, to be clicked through; a file is what its type says.
_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_UNKNOWN = (
    "This server does not answer under the name that was asked for. Whoever runs it adds the name: "
    "LANGSKEW_HOST in .env, or STREAMLIT_SERVER_ALLOWED_HOSTS (docs/deploy.md)."
)
_CLOSED = "/_stcore/metrics"  # sizes of caches, for whoever asks; nothing of LangSkew reads them

_UPLOAD = "/_stcore/upload_file/"  # whoever has a connection, signed in or not, could leave files


def ask_nobody() -> None:
    """Keep Streamlit from asking others for this machine's addresses, for seconds at a time.

    It would, when the page of another name opens a connection, to see whether that name is one of
    the addresses; all others wait meanwhile. With the answer at hand it asks nobody.
    """
    net_util._internal_ip = net_util._external_ip = "127.0.0.1"


class Door:
    """ASGI middleware around all that the server answers.

    Args:
        app: what answers those who are let in.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or open one connection."""
        if scope["type"] not in ("http", "websocket"):  # the server's own start and end
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            if _is_known(scope) and _is_own_page(scope):
                await self._app(scope, receive, send)
            else:  # before it is accepted: the answer is 403
                await send({"type": "websocket.close", "code": 1008})
        else:

            async def with_headers(message: Any) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message).update(_HEADERS)
                await send(message)

            answer = self._app
            if not _is_known(scope):
                answer = PlainTextResponse(_UNKNOWN, 403)
            elif _UPLOAD in scope["path"] and not access.takes_uploads():
                answer = PlainTextResponse("No files are taken here", 403)
            elif scope["path"].endswith(_CLOSED):
                answer = PlainTextResponse("Not found", 404)
            await answer(scope, receive, with_headers)


def _is_known(scope: Any) -> bool:
    """Whether the name that was asked for is one of this server's: else it is rebound to it."""
    return is_host_allowed(Headers(scope=scope).get("host"))


def _is_own_page(scope: Any) -> bool:
    """Whether a connection comes from a page of this server, or from no page at all."""
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is None or origin in server_util.allowlisted_origins():  # browsers always name one
        return True
    return urlsplit(origin).netloc.lower() == headers["host"].lower()
