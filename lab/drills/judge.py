"""Judges a drill: what the team did, how long pages waited, what became of the VMs, what was good. Pure."""

from dataclasses import dataclass

from lab.drills.drill import Drill, Good
from lab.drills.record import BotEvent, Done, Page, Record

_BY_PEOPLE = {
    "proposed": "asked for it",
    "approval": "approved, as one of several",
    "approved": "approved",
    "rejected": "rejected",
    "edited": "changed the plan",
    "withdrawn": "withdrew the plan",
    "cancel_asked": "asked to cancel",
    "paused": "paused",
    "continued": "let it go on",
    "answered": "answered the question",
    "acknowledged": "took the page",
    "stopped": "stopped all starts",
    "resumed": "let starts go on",
}


@dataclass(frozen=True, slots=True)
class PageFate:
    """A page, who took it, and how long it waited until then, or until the drill's end."""

    at_s: float
    words: str
    taken_by: str
    waited_s: float


@dataclass(frozen=True, slots=True)
class VmFate:
    """What happened to a VM: where it was and is, how often a move of it was begun, and by whom."""

    name: str
    was_on: str
    is_on: str
    state: str
    starts: int
    foreign_starts: int
    refused: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that a good answer has in it, and what was missing."""

    says: str
    is_met: bool
    why: str
    better: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the last page shows."""

    lasted_s: float
    ended_by: str
    verdicts: tuple[Verdict, ...]
    harm: tuple[str, ...]
    """Rules of the hosts that somebody broke. None is what everybody wants."""
    acts: tuple[Done, ...]
    decisions: tuple[Done, ...]
    """What came of the acts, as the bot has written it down."""
    pages: tuple[PageFate, ...]
    longest_wait_s: float
    vms: tuple[VmFate, ...]
    happened: tuple[Done, ...]
    failures: tuple[Done, ...]


def judge(drill: Drill, record: Record) -> Report:
    """Judge what was seen of a drill."""
    pages = tuple(_fate(page, record) for page in record.pages)
    return Report(
        lasted_s=record.lasted_s,
        ended_by=record.ended_by,
        verdicts=tuple(_verdict(good, record, pages) for good in drill.good),
        harm=record.violations,
        acts=record.acts,
        decisions=tuple(
            Done(event.at_s, event.who, f"{event.job}: {_BY_PEOPLE[event.kind]}{event.vm and ', '}{event.vm}")
            for event in record.events
            if event.kind in _BY_PEOPLE
        ),
        pages=pages,
        longest_wait_s=max((page.waited_s for page in pages), default=0.0),
        vms=tuple(_vm_fates(record)),
        happened=record.happened,
        failures=record.failures,
    )


def _fate(page: Page, record: Record) -> PageFate:
    taken = next((event for event in record.events if _takes(event, page)), None)
    until_s = record.lasted_s if taken is None else taken.at_s
    return PageFate(page.at_s, page.words, taken.who if taken else "", max(0.0, until_s - page.at_s))


def _takes(event: BotEvent, page: Page) -> bool:
    about = event.data.get("about") or {}
    return event.kind == "acknowledged" and event.job == page.job and about.get("at") == page.event_at


def _vm_fates(record: Record) -> list[VmFate]:
    """Tell of every VM that is elsewhere than it was, or that somebody wanted to move; lost ones first."""
    fates = []
    for vm in record.vms:
        starts = [start for start in record.starts if start.vm == vm.name]
        if not starts and vm.is_on == (vm.was_on,):
            continue
        accepted = [start for start in starts if not start.refused_for]
        ours = sum(start.is_bot for start in accepted)
        fates.append(
            VmFate(
                vm.name,
                vm.was_on,
                " and ".join(vm.is_on) or "no host",
                vm.state,
                ours,
                len(accepted) - ours,
                len(starts) - len(accepted),
            )
        )
    return sorted(fates, key=lambda fate: (" " not in fate.is_on, fate.name))


def _verdict(good: Good, record: Record, pages: tuple[PageFate, ...]) -> Verdict:
    if record.history_problem and _needs_history(good):
        return Verdict(good.says, is_met=False, why=record.history_problem, better=good.better)
    missing = [
        *_misplaced(good, record),
        *_begun(good, record),
        *_untaken(good, pages),
        *_events(good, record),
        *_others(good, record),
    ]
    return Verdict(good.says, not missing, " ".join(missing), good.better)


def _needs_history(good: Good) -> bool:
    return bool(good.happened or good.never) or good.jobs_at_most is not None or good.taken_within_s is not None


def _misplaced(good: Good, record: Record) -> list[str]:
    places = {vm.name: vm.is_on for vm in record.vms}
    return [
        f"{vm} is on {' and '.join(places.get(vm, ())) or 'no host'}."
        for vm, hosts in good.on.items()
        if len(places.get(vm, ())) != 1 or places[vm][0] not in hosts
    ]


def _begun(good: Good, record: Record) -> list[str]:
    begun = {start.vm for start in record.starts if start.is_bot and not start.refused_for}
    return [f"A move of {vm} was begun." for vm in good.unmoved if vm in begun]


def _untaken(good: Good, pages: tuple[PageFate, ...]) -> list[str]:
    if good.taken_within_s is None:
        return []
    late = [page for page in pages if page.waited_s > good.taken_within_s]
    never = sum(not page.taken_by for page in late)
    told = []
    if never:
        told.append(f"Nobody took {never} of {len(pages)} pages.")
    if len(late) > never:
        told.append(f"One waited {max(page.waited_s for page in late if page.taken_by):.0f} seconds.")
    return told


def _events(good: Good, record: Record) -> list[str]:
    told = []
    if good.happened and not any(event.kind in good.happened for event in record.events):
        told.append("That did not happen.")
    for kind in good.never:
        event = next((one for one in record.events if one.kind == kind), None)
        if event is not None:
            told.append(f"{event.job}: {kind.replace('_', ' ')}, by {event.who}.")
    return told


def _others(good: Good, record: Record) -> list[str]:
    told = []
    jobs = len({event.job for event in record.events})
    if good.jobs_at_most is not None and jobs > good.jobs_at_most:
        told.append(f"There were {jobs} jobs.")
    if good.bot_runs is not None and good.bot_runs is not record.is_bot_running:
        told.append("The bot runs." if record.is_bot_running else "The bot does not run.")
    return told
