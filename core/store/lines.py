"""The lines to a server, so that they can be cut: on a network that swallows everything nobody learns of anything."""

import os
import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet


class Lines:
    """The open connections of a process to its server, as their driver has them. A file has none."""

    def __init__(self) -> None:
        self._open: WeakSet[Any] = WeakSet()

    def note(self, connection: Any) -> None:
        """Keep in mind a new connection."""
        inner = getattr(connection.driver_connection, "pgconn", None)
        if inner is not None:
            self._open.add(inner)

    def cut(self) -> None:
        """End every connection without a word to the server: whoever waits on one hears at once that it is over."""
        for inner in tuple(self._open):
            with suppress(Exception):  # closed already: its driver says so in a way of its own
                line = socket.socket(fileno=os.dup(inner.socket))
                with line:
                    line.shutdown(socket.SHUT_RDWR)
