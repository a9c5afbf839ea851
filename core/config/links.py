"""``[links.NAME]``: what hosts share on the way to others, and how much of it moves may take."""

import re
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from fnmatch import fnmatchcase
from itertools import combinations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.model.inventory import HostName, same_host
from core.domain.scheduling.freeze import overlap, parse_window
from core.domain.scheduling.links import Counts, Link, LinkWindow

_WINDOW = re.compile(r"(?P<when>.*?)\s*=\s*(?P<moves>-?\d+)")
_GLOB = re.compile(r"[*?\[]")


class LinkSettings(BaseModel):
    """One link: the hosts behind it, and how many moves it may carry at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: tuple[str, ...] = Field(min_length=1)
    """Names, addresses or patterns of hosts in the settings."""
    moves: int | None = Field(default=None, ge=1)
    """How many moves it carries at once; None: as many as the hosts allow."""
    mb_s: float | None = Field(default=None, gt=0)
    """Megabytes per second that all its moves together may carry; None: as learned."""
    counts: Counts = Counts.CROSSING
    windows: tuple[str, ...] = ()
    """Other numbers at certain times: ``Mon-Fri 08:00-18:00 = 1``."""
    zone: str = ""
    """The time zone the windows are meant in; empty: that of ``[freeze]``."""

    @model_validator(mode="after")
    def _says_something(self) -> "LinkSettings":
        if self.moves is None and self.mb_s is None and not self.windows:
            raise ValueError("limits nothing; give it moves, mb_s or windows")
        for one, other in combinations(zip(self.windows, self.parsed(), strict=True), 2):
            if overlap(one[1].window, other[1].window):
                raise ValueError(f"windows {one[0]!r} and {other[0]!r} overlap; at any time one number must hold")
        return self

    def parsed(self) -> tuple[LinkWindow, ...]:
        """Read the windows. Raises ValueError with what is wrong."""
        return tuple(map(_window, self.windows))


def link_of(name: str, settings: LinkSettings, hosts: Mapping[str, str], zone: tzinfo) -> Link:
    """Build a link. ``hosts``: the addresses of all hosts by their names.

    Raises:
        ValueError: a name or pattern fits no host, or no move would ever be on the link.

    """
    behind = frozenset(host for typed in settings.hosts for host in _meant(typed, hosts))
    if settings.counts is Counts.CROSSING and len(behind) == len(hosts):
        raise ValueError('has every host behind it, so no move crosses it; counts = "any" counts those among them')
    return Link(
        name=name,
        hosts=behind,
        moves=settings.moves,
        bytes_per_s=None if settings.mb_s is None else settings.mb_s * 1_000_000,
        counts=settings.counts,
        windows=settings.parsed(),
        zone=zone,
    )


def _window(text: str) -> LinkWindow:
    read = _WINDOW.fullmatch(text.strip())
    if read is None:
        raise ValueError(f"{text!r} is no window of a link; write Mon-Fri 08:00-18:00 = 1")
    if int(read["moves"]) < 1:
        raise ValueError(f"{text!r} would let nothing start; a link carries at least 1 move, see [freeze] for none")
    return LinkWindow(parse_window(read["when"]), int(read["moves"]))


def _meant(typed: str, hosts: Mapping[str, str]) -> Iterator[HostName]:
    is_glob = _GLOB.search(typed) is not None
    found = [
        HostName(name)
        for name, address in hosts.items()
        if (fnmatchcase(name.casefold(), typed.casefold()) if is_glob else _is_one(typed, name, address))
    ]
    if not found:
        raise ValueError(f"hosts has {typed!r}, which {'fits' if is_glob else 'is'} no host of these settings")
    yield from found


def _is_one(typed: str, name: str, address: str) -> bool:
    return same_host(name, typed) or same_host(address, typed)
