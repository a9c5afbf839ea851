"""Draws a job's timeline as PNG: a bar for each attempt of each VM, below it the slots in use of each host. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.messages.canvas import (
    BAND,
    BLUE,
    GREEN,
    GREY,
    GRID,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    SOFT,
    VERMILION,
    WHITE,
    Canvas,
    Color,
)
from bot.messages.card_parts import headline_route
from bot.messages.state_table import MOVE_STATES
from bot.messages.timeline_data import BarOutcome, HostTimeline, VmTimeline, host_timeline, vm_timelines, worth_showing
from core.domain.model.inventory import HostName
from core.domain.model.job import Job
from core.domain.model.move import Attempt, Move, MoveState
from core.domain.model.units import span

_WIDTH = 1000
_MARGIN = 24
_LABELS = 190
_TOP = 78
_AXIS = 26
_HOST_ROW = 48
_HOST_GAP = 14
_TICKS = 9
_HOSTS = 12
_COLORS: Mapping[BarOutcome, Color] = {
    BarOutcome.MOVED: BLUE,
    BarOutcome.FAILED: VERMILION,
    BarOutcome.CANCELLED: GREY,
    BarOutcome.LOST: PURPLE,
    BarOutcome.GOES_ON: SKY,
    BarOutcome.FREE: ORANGE,
    BarOutcome.WAITED: PALE,
}
_SLOTS, _LIMIT = GREEN, VERMILION
_STEPS_S = (5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


def timeline(
    job: Job, moves: Sequence[Move], attempts: Sequence[Attempt], limits: Mapping[HostName, int], until: datetime
) -> bytes | None:
    """Draw a job's timeline as PNG; None when nothing was ever tried.

    ``attempts`` may hold those of other jobs: they count for the hosts. ``limits`` are moves at a time; 0: not known.
    ``until`` ends what has not ended.
    """
    ids = {move.id for move in moves}
    own = [attempt for attempt in attempts if attempt.move_id in ids]
    if not own:
        return None
    begins = min(attempt.started_at for attempt in own)
    ends = max([begins + timedelta(seconds=5), *(attempt.ended_at or until for attempt in own)])
    every = vm_timelines(moves, own, until)
    shown = worth_showing(every)
    names = list(dict.fromkeys(host for move in moves for host in (move.source, move.destination)))[:_HOSTS]
    meanwhile = [one for one in attempts if one.started_at < ends and (one.ended_at or until) > begins]
    hosts = [host_timeline(host, meanwhile, limits.get(host, 0), until) for host in names]
    page = _Page(
        begins=begins,
        ends=ends,
        row=_row_height(len(shown)),
        rows=len(shown),
        hosts=len(hosts),
        hidden=len(every) - len(shown),
    )
    page.title(job, moves, ends - begins)
    page.axis()
    for index, vm in enumerate(shown):
        page.vm(index, vm)
    for index, host in enumerate(hosts):
        page.host(index, host)
    page.legend({bar.outcome for vm in shown for bar in vm.bars})
    return page.png()


def _row_height(rows: int) -> int:
    return 30 if rows <= 6 else 24 if rows <= 16 else 18 if rows <= 40 else 15  # noqa: PLR2004 - what looks well


@dataclass(kw_only=True)
class _Page:
    """The picture with its time axis. Positions are in points."""

    begins: datetime
    ends: datetime
    row: int
    rows: int
    hosts: int
    hidden: int = 0

    def __post_init__(self) -> None:
        more = 18 if self.hidden else 0
        self._bars_end = _TOP + self.rows * self.row + more
        self._hosts_top = self._bars_end + _AXIS + 22
        height = self._hosts_top + self.hosts * (_HOST_ROW + _HOST_GAP) + 44
        self._ink = Canvas(_WIDTH, height)
        self._height = height
        self._left, self._right = _MARGIN + _LABELS, _WIDTH - _MARGIN
        margin = (self.ends - self.begins) * 0.01
        self._zero, self._end = self.begins - margin, self.ends + margin

    # ------------------------------------------------------------------ parts

    def title(self, job: Job, moves: Sequence[Move], length: timedelta) -> None:
        done = sum(1 for move in moves if move.state is MoveState.DONE)
        self._ink.text((_MARGIN, 18), f"{job.id}: {done} of {len(moves)} moved, {headline_route(job.plan.moves)}", 19)
        day = f"{self.begins.astimezone(UTC):%A %d %B %Y}"
        self._ink.text(
            (_MARGIN, 45), f"{day}, {span(length)} from the first start to the last end; times in UTC", 12, SOFT
        )

    def axis(self) -> None:
        """Draw bands, ticks and their times."""
        for index in range(0, self.rows, 2):
            top = _TOP + index * self.row
            self._ink.box((_MARGIN, top, self._right, top + self.row), BAND)
        bottom = self._hosts_top + self.hosts * (_HOST_ROW + _HOST_GAP) - _HOST_GAP
        for tick, label in _ticks(self._zero, self._end):
            x = self._x(tick)
            self._ink.line([(x, _TOP), (x, bottom)], GRID)
            self._ink.text((x, self._bars_end + 6), label, 11, SOFT, anchor="ma")
        self._ink.line([(self._left, self._bars_end), (self._right, self._bars_end)], SOFT)
        if self.hidden:
            self._ink.text((_MARGIN, self._bars_end - 16), f"… and {self.hidden} more", 11, SOFT)

    def vm(self, index: int, vm: VmTimeline) -> None:
        """Draw one VM."""
        top = _TOP + index * self.row
        middle, pad = top + self.row / 2, max(2.0, self.row * 0.17)
        size = 13 if self.row >= 18 else 11  # noqa: PLR2004
        self._ink.text((_MARGIN + 4, middle), vm.name, size, anchor="lm", room=_LABELS - 12)
        waits = max(vm.waits_from, self.begins) if vm.waits_from else None
        last_end = vm.bars[-1].begins if vm.bars else min(vm.ends, self.ends)
        if waits and waits < last_end:
            self._ink.box((self._x(waits), middle - 1, self._x(last_end), middle + 1), _COLORS[BarOutcome.WAITED])
        for bar in vm.bars:
            left, right = self._x(bar.begins), max(self._x(bar.ends), self._x(bar.begins) + 3)
            self._ink.bar((left, top + pad, right, top + self.row - pad), _COLORS[bar.outcome])
            if len(vm.bars) > 1 and right - left > 14:  # noqa: PLR2004 - room for a digit
                ink = INK if bar.outcome in {BarOutcome.FREE, BarOutcome.GOES_ON, BarOutcome.LOST} else WHITE
                self._ink.text(((left + right) / 2, middle), str(bar.number), 10, ink, anchor="mm")
        word = MOVE_STATES[vm.state].picture
        if word:
            self._end_word(self._x(last_end if not vm.bars else vm.bars[-1].ends), middle, word, size - 2)

    def _end_word(self, x: float, middle: float, word: str, size: int) -> None:
        width = self._ink.width(word, size)
        at = x + 6 if x + 6 + width <= self._right else x - 8 - width
        is_over_bar = at < x
        if is_over_bar:
            self._ink.box((at - 3, middle - size * 0.6, at + width + 3, middle + size * 0.6), WHITE)
        self._ink.text((at, middle), word, size, SOFT if not is_over_bar else INK, anchor="lm")

    def host(self, index: int, used: HostTimeline) -> None:
        """Draw how many slots of one host were in use, against its limit."""
        top = self._hosts_top + index * (_HOST_ROW + _HOST_GAP)
        bottom = top + _HOST_ROW
        highest = max(used.most, used.limit, 1)
        unit = (_HOST_ROW - 6) / highest
        self._ink.text((_MARGIN + 4, top + 6), str(used.host), 13, room=_LABELS - 12)
        of = f" of {used.limit}" if used.limit else ""
        self._ink.text((_MARGIN + 4, top + 25), f"{used.most}{of} at the peak", 11, SOFT)
        for (at, count), (until, _) in zip(used.steps, [*used.steps[1:], (self.ends, 0)], strict=False):
            left, right = self._x(max(at, self._zero)), self._x(min(until, self._end))
            if count and right > left:
                self._ink.box((left, bottom - count * unit, right, bottom), _SLOTS)
        for level in range(1, highest):
            if highest <= 16:  # noqa: PLR2004 - more lines would be a grey area
                y = bottom - level * unit
                self._ink.line([(self._left, y), (self._right, y)], WHITE)
        self._ink.line([(self._left, bottom), (self._right, bottom)], SOFT)
        if used.limit:
            self._dashes(bottom - used.limit * unit)

    def legend(self, outcomes: set[BarOutcome]) -> None:
        """Explain the colours that are in the picture."""
        x, y = float(_MARGIN + 4), self._height - 24.0
        entries = [(one.value, _COLORS[one]) for one in BarOutcome if one in outcomes | {BarOutcome.WAITED}]
        for word, color in [*entries, ("slots in use", _SLOTS)]:
            self._ink.bar((x, y - 5, x + 16, y + 5), color)
            self._ink.text((x + 22, y), word, 12, anchor="lm")
            x += 22 + self._ink.width(word, 12) + 22
        self._ink.line([(x, y), (x + 5, y)], _LIMIT, 2)
        self._ink.line([(x + 9, y), (x + 14, y)], _LIMIT, 2)
        self._ink.text((x + 22, y), "limit", 12, anchor="lm")

    def png(self) -> bytes:
        return self._ink.png()

    # ------------------------------------------------------------------ ink

    def _x(self, at: datetime) -> float:
        share = (at - self._zero) / (self._end - self._zero)
        return self._left + (self._right - self._left) * min(1.0, max(0.0, share))

    def _dashes(self, y: float) -> None:
        x = float(self._left)
        while x < self._right:
            self._ink.line([(x, y), (min(x + 6, self._right), y)], _LIMIT, 2)
            x += 11


def _ticks(begins: datetime, ends: datetime) -> list[tuple[datetime, str]]:
    """Choose round times on the axis; a day is named where it begins."""
    length_s = (ends - begins).total_seconds()
    step_s = next((step for step in _STEPS_S if length_s / step <= _TICKS), _STEPS_S[-1])
    while length_s / step_s > _TICKS:
        step_s *= 2
    midnight = begins.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = -(-(begins - midnight).total_seconds() // step_s)
    found = []
    at = midnight + timedelta(seconds=first * step_s)
    while at <= ends:
        is_day = at.hour == at.minute == at.second == 0
        form = "%d %b" if is_day or step_s >= 86400 else "%H:%M:%S" if step_s < 60 else "%H:%M"  # noqa: PLR2004
        found.append((at, f"{at:{form}}"))
        at += timedelta(seconds=step_s)
    return found
