"""WebDriver BiDi: commands and events as JSON over one WebSocket (https://w3c.github.io/webdriver-bidi/)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.backends.web.driver import GONE, BrowserGone, PageFailure

if TYPE_CHECKING:
    from websocket import WebSocket

_REPLY_S = 60


class Connection:
    """One session with a browser."""

    def __init__(self, url: str) -> None:
        import websocket

        # Browsers refuse connections that come from a page, which would send its origin.
        self._socket: WebSocket = websocket.create_connection(
            url, timeout=_REPLY_S, suppress_origin=True
        )
        self._last = 0

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result.

        Raises:
            BrowserGone: the connection broke.
            PageFailure: the browser answered with an error, or not in time.
        """
        import websocket

        self._last += 1
        try:
            self._socket.send(
                json.dumps({"id": self._last, "method": method, "params": parameters})
            )
            reply = self._reply(self._last)
        except websocket.WebSocketTimeoutException as error:
            raise PageFailure(f"the browser gave no answer within {_REPLY_S} s") from error
        except (websocket.WebSocketException, OSError, ValueError) as error:
            # A browser that takes its leave sends an empty message.
            raise BrowserGone(GONE) from error
        if reply.get("type") == "error":
            raise PageFailure(f"the browser failed: {reply['error']}: {reply['message']}")
        result: dict[str, Any] = reply["result"]
        return result

    def close(self) -> None:
        self._socket.close()

    def _reply(self, number: int) -> Mapping[str, Any]:
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv())
            if message.get("id") == number:
                return message
