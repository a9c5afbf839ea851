"""The answer to ``insights``: what moved lately, what was slow, who failed and why, what was waited for. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from bot.messages.blocks import Message, message, sections
from bot.messages.mrkdwn import code, date_time, plural
from bot.messages.state_table import FAULT_WORDS, HOLD_WORDS
from bot.messages.tables import Cell, with_table
from core.domain.model.units import size, span
from core.domain.reporting.insights import Culprit, Insights, Why
from core.domain.reporting.past import PairTally, WaitTally

_WAITS = 5
_HEAD = ("What", "Of", "How much", "Details")


def answer(found: Insights, *, is_pictured: bool = False) -> Message:
    """Say it, the totals first. ``is_pictured``: a picture of it is on its way."""
    head = totals(found)
    pictured = ["A picture of it follows in your direct messages from me."] if is_pictured else []
    return _told(found, head.replace("*", ""), head, pictured)


def digest(found: Insights) -> Message:
    """Tell the channel of a week, which may be over for a while."""
    days = f"{date_time(found.since)} to {date_time(found.until)}"
    text = totals(found, "The last week").replace("*", "")
    return _told(found, f"📊 {text}", f"📊 {totals(found, f'The week from {days}')}")


def period_words(length: timedelta) -> str:
    """Say a length of time as people do: ``The last 30 days``."""
    hours = round(length.total_seconds() / 3600)
    return f"The last {plural(hours // 24, 'day')}" if hours >= 48 else f"The last {plural(hours, 'hour')}"  # noqa: PLR2004


def totals(found: Insights, period: str = "") -> str:
    """Sum up in one line. ``period``: what to call the time; empty: by its length."""
    begins = f"*{period or period_words(found.until - found.since)}*"
    if found.is_empty:
        return f"{begins}: nothing was moved, and nobody was paged."
    moved = f"{plural(found.done, 'VM')} moved in {plural(found.jobs, 'job')}"
    copied = f", {size(found.size_bytes)}" if found.size_bytes else ""
    return f"{begins}: {moved}{copied}" + (f"; {found.not_done} did not move." if found.not_done else ".")


def reason(why: Why, marked: Callable[[str], str] = str) -> str:
    """Say what attempts failed of, and whose that was. ``marked``: how the code of the diagnosis is set."""
    whose = FAULT_WORDS.get(why.fault, why.fault.value)
    return f"{marked(why.code)} ({whose})" if why.code else whose


def _told(found: Insights, text: str, head: str, end: Sequence[str] = ()) -> Message:
    """Put it together, its rankings in lines and as a table."""
    begin, rest = [head, *_first_try(found)], [*_counts(found), *end]
    in_lines = message(text, sections([*begin, *_rankings(found), *rest]))
    return with_table(in_lines, sections([*begin, *rest]), _HEAD, list(_rows(found)))


def _first_try(found: Insights) -> Iterator[str]:
    if found.first_try is not None:
        yield f"{100 * found.first_try:.0f} % of what was tried moved at the first attempt."
    elif found.too_few and not found.is_empty:
        yield f"{found.too_few}."


def _rankings(found: Insights) -> Iterator[str]:
    yield from _listed("Slowest pairs of hosts", map(_pair_line, found.slowest))
    yield from _listed("Hosts with the most failed attempts", map(_culprit_line, found.hosts))
    yield from _listed("VMs with the most failed attempts", map(_culprit_line, found.vms))
    yield from _listed("Waited for", map(_wait_line, found.waits[:_WAITS]))


def _rows(found: Insights) -> Iterator[tuple[Cell, ...]]:
    for pair in found.slowest:
        speed = f"{size(pair.bytes_per_s)}/s"
        yield "Slow pair of hosts", f"{pair.source} → {pair.destination}", speed, plural(pair.moves, "move")
    for what, culprits in (("Host with failures", found.hosts), ("VM with failures", found.vms)):
        for one in culprits:
            yield what, one.name, plural(one.attempts, "attempt"), ", ".join(map(_why, one.why))
    for wait in found.waits[:_WAITS]:
        yield "Waited for", _wait_words(wait), span(wait.seconds), plural(wait.moves, "VM")


def _counts(found: Insights) -> Iterator[str]:
    if found.pages:
        taken = f", {found.pages_taken} taken" if found.pages_taken else ", none of them taken"
        within = f", half of these within {span(found.taken_s)}" if found.taken_s is not None else ""
        yield f"*Pages*: {found.pages}{taken}{within}."
    if found.jobs_off:
        jobs, moves = found.jobs_off, found.moves_off
        each = f", half of their moves by at most {moves.percent} %" if moves else ""
        yield f"*Estimates*: half of the last {plural(jobs.count, 'job')} were off by at most {jobs.percent} %{each}."


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"*{title}*\n• {line}" if number == 0 else f"• {line}"


def _pair_line(pair: PairTally) -> str:
    speed = f"{size(pair.bytes_per_s)}/s"
    return f"{code(pair.source)} → {code(pair.destination)} {speed} over {plural(pair.moves, 'move')}"


def _culprit_line(one: Culprit) -> str:
    return f"{code(one.name)} {one.attempts}: {', '.join(_why(why, code) for why in one.why)}"


def _why(why: Why, marked: Callable[[str], str] = str) -> str:
    said = reason(why, marked)
    return said if why.attempts == 1 else f"{why.attempts} times {said}"


def _wait_line(wait: WaitTally) -> str:
    return f"{_wait_words(wait)}: {plural(wait.moves, 'VM')}, {span(wait.seconds)} in all"


def _wait_words(wait: WaitTally) -> str:
    return HOLD_WORDS.get(wait.code, wait.code.value.replace("_", " "))
