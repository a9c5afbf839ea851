"""Decides what a typed command means, or says in one sentence where it went wrong with an example that is right."""

from collections.abc import Sequence
from datetime import datetime

from bot import moving
from bot.commands import Cancel, Command, Help, History, Hosts, Jobs, NotYet, Resume, Retry, Status, Stop
from bot.mistake import Unclear
from bot.options import shown
from bot.spelling import VERBS, nearest
from bot.tokens import UnclosedQuote, Word, words
from core.domain.job import JobId

_TRIES = 8
_LONGEST_EXAMPLE = 240


def parse(text: str, *, now: datetime, hosts: Sequence[str] = (), command: str = "/migrate") -> Command:
    """Read a command, as cleaned by ``bot.composer``. ``now`` carries the time zone that ``at 22:00`` is meant in.

    Raises:
        Unclear: it cannot be understood; nothing else is ever raised.

    """
    try:
        return _read(text, now, hosts)
    except Unclear as mistake:
        mistake.example = f"{command} {_nearest_right(text, mistake, now, hosts)}"
        raise


def _nearest_right(text: str, mistake: Unclear, now: datetime, hosts: Sequence[str]) -> str:
    """Mend the text mistake by mistake until it reads; what cannot be mended gets a general example."""
    mended: Unclear = mistake
    for _ in range(_TRIES):
        text = " ".join(f"{text[: mended.start]}{mended.fix}{text[mended.end :]}".split())
        if len(text) > _LONGEST_EXAMPLE:
            break
        try:
            _read(text, now, hosts)
        except Unclear as another:
            mended = another
        else:
            return text or "help"
    source, destination = moving.example_hosts(hosts)
    return f"web01,web02 from {source} to {destination}"


def _read(text: str, now: datetime, hosts: Sequence[str]) -> Command:
    try:
        found = words(text)
    except UnclosedQuote as unclosed:
        start = unclosed.start
        raise Unclear(
            f"The quote before {shown(text[start + 1 :].strip() or 'the end')} is never closed.",
            len(text),
            len(text),
            '"',
        ) from None
    found = _without_outer_commas(found)
    if not found:
        return Help()
    first = found[0]
    verb = first.text.casefold()
    if not first.is_quoted and verb in VERBS and not _is_vm_after_all(found):
        return _sub_command(text, verb, found)
    if not first.is_quoted and not any(moving.is_keyword(word) for word in found):
        meant = nearest(first.text, VERBS)
        if meant:
            raise Unclear(f"I do not know {shown(first.text)}; did you mean {meant}?", first.start, first.end, meant)
    return moving.Reading(text, found, now, hosts).command()


def _without_outer_commas(found: list[Word]) -> list[Word]:
    while found and found[0].is_comma:
        found = found[1:]
    while found and found[-1].is_comma:
        found = found[:-1]
    return found


def _is_vm_after_all(found: Sequence[Word]) -> bool:
    """Whether a VM bears the name of a verb: ``status from HV01 to HV02``."""
    follows = found[1] if len(found) > 1 else None
    is_asked_about = found[0].text.casefold() == "help" and len(found) == 2  # noqa: PLR2004 - "help from"
    return follows is not None and not is_asked_about and (follows.is_comma or moving.is_keyword(follows))


def _sub_command(text: str, verb: str, found: Sequence[Word]) -> Command:
    rest = [word for word in found[1:] if not word.is_comma]
    match verb:
        case "help":
            return Help(" ".join(word.text for word in rest).casefold())
        case "pause" | "back":
            return NotYet(verb)
        case "status" if not rest:
            return Status()
        case "cancel" | "retry" | "history" | "status":
            return _about_job(text, verb, found[0], rest)
    if rest:
        raise _too_much(verb, found[0], rest)
    plain: dict[str, Command] = {"jobs": Jobs(), "hosts": Hosts(), "stop": Stop(), "resume": Resume()}
    return plain[verb]


def _about_job(text: str, verb: str, first: Word, rest: Sequence[Word]) -> Command:
    if not rest:
        raise Unclear(f"{verb} needs a job, such as J1.", first.end, first.end, " J1")
    job = _job_id(verb, rest[0])
    if verb == "cancel":
        names = rest[1:]
        # A name with spaces needs no quotes here: nothing can follow it.
        vm = names[0].text if len(names) == 1 else text[names[0].start : names[-1].end] if names else ""
        return Cancel(job, vm.strip())
    if len(rest) > 1:
        raise Unclear(
            f"{verb} takes one job, but {shown(rest[1].text)} follows {job}.", rest[1].start, rest[-1].end, ""
        )
    if verb == "status":
        return Status(job)
    return Retry(job) if verb == "retry" else History(job)


def _job_id(verb: str, word: Word) -> JobId:
    digits = word.text.strip().removeprefix("#").lstrip("jJ").removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9):  # noqa: PLR2004 - more jobs than will ever be
        raise Unclear(f"{verb} needs a job, such as J1, not {shown(word.text)}.", word.start, word.end, "J1")
    return JobId(f"J{int(digits)}")


def _too_much(verb: str, first: Word, rest: Sequence[Word]) -> Unclear:
    start, end = rest[0].start, rest[-1].end
    extra = shown(rest[0].text)
    if verb == "stop":
        return Unclear(
            f"stop is for every job at once, but {extra} follows; to end one job, cancel it.",
            first.start,
            first.end,
            "cancel",
        )
    if verb == "jobs":
        return Unclear(f"jobs lists them all, but {extra} follows; status shows one.", first.start, first.end, "status")
    return Unclear(f"{verb} takes nothing more, but {extra} follows.", start, end, "")
