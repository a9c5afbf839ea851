"""Takes the addresses of the settings early: a start that must fail fails before any host sees a login."""

import socket
from contextlib import suppress

from core.errors import SettingsError

_BACKLOG = 128


def host_and_port(listen: str, key: str, example: str) -> tuple[str, int]:
    """Read ``host:port``; without a host it is loopback. Raises SettingsError."""
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the highest port there is
        raise SettingsError(f"[slack] {key} is {listen}.", hint=f"Write it as {example}.")
    return host.strip("[]") or "127.0.0.1", int(port)


def bound(listen: str, key: str, example: str) -> socket.socket:
    """Take an address and let callers wait there.

    Raises:
        SettingsError: the address is malformed or taken.

    """
    host, port = host_and_port(listen, key, example)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken: socket.socket | None = None
    try:
        taken = socket.socket(family, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(_BACKLOG)
        taken.setblocking(False)
    except OSError as error:
        if taken is not None:
            with suppress(OSError):
                taken.close()
        raise SettingsError(f"Cannot listen on {listen}: {error.strerror}.") from error
    return taken
