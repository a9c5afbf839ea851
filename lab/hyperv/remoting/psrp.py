"""Outgoing PSRP messages: headers, fragments and the queue a client's Receive empties.

psrpcore reads what clients send and negotiates; what cmdlets say goes out through here, because psrpcore has no way to
send finished CLIXML. Source: MS-PSRP 2.2.1 (message) and 2.2.4 (fragment).
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

FRAGMENT_BYTES: Final = 32768
_HEADER_BYTES: Final = 21
_TO_CLIENT: Final = 1
_FIRST_OBJECT_ID: Final = 1 << 20  # psrpcore numbers the pool's own messages from 1


class MessageType(IntEnum):
    """The messages a pipeline sends."""

    PIPELINE_OUTPUT = 0x00041004
    ERROR_RECORD = 0x00041005
    PIPELINE_STATE = 0x00041006
    DEBUG_RECORD = 0x00041007
    VERBOSE_RECORD = 0x00041008
    WARNING_RECORD = 0x00041009
    PROGRESS_RECORD = 0x00041010
    INFORMATION_RECORD = 0x00041011


class ObjectIds:
    """Numbers the messages of one runspace pool."""

    def __init__(self) -> None:
        self._last = _FIRST_OBJECT_ID

    def take(self) -> int:
        self._last += 1
        return self._last


def pack_message(kind: MessageType, pool_id: UUID, pipeline_id: UUID, xml: str) -> bytes:
    """Return a message to the client."""
    return struct.pack("<iI", _TO_CLIENT, kind) + pool_id.bytes_le + pipeline_id.bytes_le + xml.encode()


def split_fragments(data: bytes) -> list[bytes]:
    """Return whole fragments one by one."""
    fragments = []
    while data:
        (length,) = struct.unpack_from(">I", data, _HEADER_BYTES - 4)
        fragments.append(data[: _HEADER_BYTES + length])
        data = data[_HEADER_BYTES + length :]
    return fragments


class ReplyQueue:
    """What the server has to say to one command or pool, in order; grows freely, is emptied by Receive."""

    def __init__(self, ids: ObjectIds) -> None:
        self._ids = ids
        self._fragments: deque[bytes] = deque()
        self.changed = asyncio.Event()
        """Set whenever there may be something new to look at; a reader clears it before it looks."""

    @property
    def is_empty(self) -> bool:
        return not self._fragments

    def put_message(self, message: bytes) -> None:
        """Cut a message into fragments and queue them."""
        object_id = self._ids.take()
        for number, start in enumerate(range(0, len(message), FRAGMENT_BYTES)):
            data = message[start : start + FRAGMENT_BYTES]
            is_end = start + FRAGMENT_BYTES >= len(message)
            flags = (number == 0) | is_end << 1
            self._fragments.append(struct.pack(">QQBI", object_id, number, flags, len(data)) + data)
        self.changed.set()

    def put_fragments(self, fragments: bytes) -> None:
        """Queue fragments that psrpcore made."""
        self._fragments.append(fragments)
        self.changed.set()

    def take(self, limit_bytes: int) -> bytes:
        """Remove and return the oldest fragments, at least one and otherwise no more than fit."""
        taken: list[bytes] = []
        size = 0
        while self._fragments and (not taken or size + len(self._fragments[0]) <= limit_bytes):
            taken.append(self._fragments.popleft())
            size += len(taken[-1])
        return b"".join(taken)
