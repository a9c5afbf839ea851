"""How a story ended, compared with how it usually ends: all that matters, without what differs at each telling."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# What differs from one telling of a story to the next: how long it took, when it was, which job it is.
_SPAN = re.compile(r"\b\d+ (?:s|min|h|d)\b(?: \d+ (?:s|min|h)\b)?")
_TIME = re.compile(r"<!date\^[^>]*>|\b\d\d:\d\d(?::\d\d)?\b")
_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_JOB = re.compile(r"\bJ\d+\b")
# Who goes on with a clean-up counts the folders it removes itself; those that are left are compared on the host.
_FOLDERS = re.compile(r", \d+ empty folders? removed")
# After a restart nobody remembers what the command of an attempt before it returned, only that it moved nothing.
_HOSTS_WORDS = re.compile(r"(?<=did not move \()(attempt \d of \d)\).*?(?=\nNext try)", re.DOTALL)


@dataclass(frozen=True)
class Ending:
    """How a story ended, without what differs from one telling to the next."""

    lines: Counter[str]
    """What was said in the job's thread."""
    card: str
    cards: int
    """How many cards the channel has more than before."""
    moves: tuple[tuple[str, str], ...]
    """VM and state, as the bot has them."""
    places: tuple[tuple[str, tuple[str, ...]], ...]
    """VM and the hosts that have it."""
    starts: tuple[tuple[str, int], ...]
    """VM and how many moves of it the hosts accepted."""
    left: tuple[str, ...]
    """What is left of these VMs on the source."""
    complaints: tuple[str, ...]
    """What must never be, whatever the story is."""
    seen_moving: frozenset[str]
    """The VMs of which the bot wrote down that they are moving."""
    adopted: frozenset[str]
    """The VMs whose move a restart found under way."""

    def differences(self, usual: "Ending") -> list[str]:
        """Say what differs from how the story ends when nobody dies; what only a restart says is no difference."""
        missing, extra = usual.lines - self.lines, self.lines - usual.lines
        # A VM that arrived before anybody looked, as on a slow machine, is not said to be moving: what was written down
        # must be said, and nothing else.
        found = [f"not said: {line}" for line in missing if not _is_moving_unseen(line, self.seen_moving)]
        found += [
            f"said besides: {line}"
            for line in extra
            if "I was restarted" not in line and not _is_moving_unseen(line, usual.seen_moving)
        ]
        for name in ("card", "cards", "moves", "places", "starts", "left"):
            mine, theirs = getattr(self, name), getattr(usual, name)
            if mine != theirs:
                found.append(f"{name}: {mine}, usually {theirs}")
        return found + list(self.complaints)


def _is_moving_unseen(line: str, seen_moving: frozenset[str]) -> bool:
    return "is moving" in line and line.split("`")[1] not in seen_moving


def plain(text: str) -> str:
    """Take out what differs from one telling of a story to the next."""
    text = _FOLDERS.sub("", _HOSTS_WORDS.sub(r"\1)", text))
    return _ID.sub("id", _JOB.sub("J", _SPAN.sub("a while", _TIME.sub("then", text))))


def texts(blocks: Any) -> Iterator[str]:
    """Yield every text that blocks show."""
    if isinstance(blocks, dict):
        if isinstance(blocks.get("text"), str):
            yield blocks["text"]
        blocks = [value for key, value in blocks.items() if isinstance(value, dict | list | tuple)]
    for block in blocks:
        yield from texts(block)
