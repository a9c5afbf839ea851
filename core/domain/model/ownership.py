"""Who a VM belongs to, as far as anybody wrote it down, and who keeps it from moving."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_LONGEST = 254
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII)
_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|[^<>]*)?>")
_LINK = re.compile(r"<mailto:([^|<>]*)(?:\|[^<>]*)?>")


class Found(StrEnum):
    """What Slack says of whoever is named as an owner. Only who is ``KNOWN`` hears of the VM."""

    KNOWN = "known"
    NOBODY = "nobody"
    """No owner is named, or not clearly: nobody was looked for."""
    UNKNOWN = "unknown"
    LEFT = "left"
    GUEST = "guest"
    OUTSIDER = "outsider"
    BOT = "bot"

    @classmethod
    def _missing_(cls, value: object) -> "Found":  # noqa: ARG003
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was looked for in Slack. ``user``: their member id, empty when there is nobody."""

    found: Found
    user: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a VM. ``named``: the address or member id that was written down; ``why``: where, in words."""

    named: str = ""
    why: str = ""
    found: Found = Found.NOBODY
    user: str = ""

    @property
    def hears(self) -> str:
        """Who is told, by member id; empty: nobody."""
        return self.user if self.found is Found.KNOWN else ""


@dataclass(frozen=True, slots=True)
class Owned:
    """The VMs of a job with one owner, or whose owner hears nothing for one reason."""

    owner: Owner
    vms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnerHold:
    """An owner's *Not now*: nothing starts this VM in this job until somebody allowed releases it."""

    by: str
    words: str
    at: datetime


def read_person(text: str) -> str:
    """Read a mail address or a member id of Slack out of what somebody wrote; empty: it is neither.

    Addresses come in small letters. Slack's own forms of both (``<@U123>``, ``<mailto:…>``) are read too.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return ""
    for form in (_MENTION, _LINK):
        if inside := form.fullmatch(text):
            text = inside[1].strip()
    if _ID.fullmatch(text):
        return text
    address = text.lower()
    return address if _ADDRESS.fullmatch(address) else ""


def hold_text(hold: OwnerHold) -> str:
    """Say why a VM that its owner holds does not start."""
    return f"its owner says not now: {hold.words}"
