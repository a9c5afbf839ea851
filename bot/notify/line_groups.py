"""Decides which quiet lines of a large job share one message: of one kind, close to each other in time.

A message that takes a line in is edited, which notifies nobody and may be done twice. Pages, failures, questions and
whatever decides about a job always stand alone.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.messages import thread_lines
from bot.messages.blocks import SECTION_LIMIT, Message, section
from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice, Tone
from core.domain.model.job import Card, JobId

LARGE = 12
"""Jobs of more VMs than a card names keep their threads quiet."""
GROUPED = frozenset(
    {EventKind.MOVING, EventKind.DONE, EventKind.MOVED_BY_OTHERS, EventKind.HELD, EventKind.CANCELLED}
    | {EventKind.TIDIED, EventKind.ADOPTED}
)
_WINDOW = timedelta(minutes=1)
_PER_WIDTH = 2
"""So many messages of a kind are a minute wide, as many two minutes, four, …: a long job is as quiet as a short one."""
_ROOM = SECTION_LIMIT - 100
_REMEMBERED = 500

_Key = tuple[JobId, EventKind]


@dataclass(frozen=True, slots=True)
class LineGroup:
    """A message that holds several lines: where it is, and what it says."""

    place: Card
    notices: tuple[Notice, ...]
    number: int

    @property
    def message(self) -> Message:
        """Every line in full, one below the other."""
        text = "\n".join(thread_lines.sentence(one.event, one.job, one.move) for one in self.notices)
        return Message(text, (section(text),))

    def until(self) -> datetime:
        """Return when it takes in no more."""
        width: timedelta = _WINDOW * (1 << self.number // _PER_WIDTH)
        return self.notices[0].event.at + width


def may_share(notice: Notice) -> bool:
    """Whether a notice may share a message at all."""
    is_large = len(notice.job.plan.moves) > LARGE
    return is_large and notice.event.tone is Tone.LINE and notice.event.kind in GROUPED and notice.job.card is not None


class LineGroups:
    """The newest message of each kind of line, per job, as far as this process posted it."""

    def __init__(self) -> None:
        self._newest: OrderedDict[_Key, LineGroup] = OrderedDict()

    def joined(self, notice: Notice) -> LineGroup | None:
        """Return the message with this notice in it, to be edited so; None when it has to stand alone."""
        group = self._newest.get(_key(notice)) if may_share(notice) else None
        if group is None or not group.notices[0].event.at <= notice.event.at < group.until():
            return None
        known = tuple(one for one in group.notices if one.id != notice.id)
        joined = replace(group, notices=(*known, notice))
        return joined if len(joined.message.text) <= _ROOM else None

    def shown(self, group: LineGroup) -> None:
        """Remember that a message says this now."""
        self._newest[_key(group.notices[0])] = group

    def began(self, notice: Notice, place: Card) -> None:
        """Remember a line that was posted: others may join it."""
        if not may_share(notice):
            return
        before = self._newest.pop(_key(notice), None)
        self._newest[_key(notice)] = LineGroup(place, (notice,), before.number + 1 if before else 0)
        if len(self._newest) > _REMEMBERED:
            self._newest.popitem(last=False)


def _key(notice: Notice) -> _Key:
    return notice.job.id, notice.event.kind
