"""Decides what a typed command means, or says in one sentence where it went wrong with an example that is right."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from bot.commands import migrate_parser
from bot.commands.errors import CommandError
from bot.commands.model import (
    Back,
    Cancel,
    Command,
    Handover,
    Help,
    History,
    Hosts,
    Insights,
    Jobs,
    Migrate,
    Pause,
    Resume,
    Retry,
    Status,
    Stop,
    Where,
    read_job_id,
)
from bot.commands.option_values import shown
from bot.commands.periods import read_period
from bot.commands.tokens import Token, UnclosedQuote, words
from bot.commands.vocabulary import VERBS, nearest
from core.domain.model.job import JobId

_TRIES = 8
_ZONES = tuple(timezone(timedelta(hours=hours)) for hours in sorted(range(-12, 15), key=abs))
"""Where people live, those nearest to UTC first; half hours lie between two of them."""
_LONGEST_EXAMPLE = 240


def parse(text: str, *, now: datetime, hosts: Sequence[str] = (), command: str = "/migrate") -> Command:
    """Read a command, as cleaned by ``slack_text``. ``now`` carries the time zone that ``at 22:00`` is meant in.

    Raises:
        CommandError: it cannot be understood; nothing else is ever raised.

    """
    try:
        return _read(text, now, hosts)
    except CommandError as mistake:
        mistake.example = f"{command} {_nearest_right(text, mistake, now, hosts)}"
        raise


def parse_anywhere(text: str, *, now: datetime, hosts: Sequence[str] = (), command: str = "/migrate") -> Command:
    """Read a command before anybody knows where the person is: a time is over when it is over in every zone.

    Raises:
        CommandError: it cannot be understood, wherever the person is.

    """
    try:
        return parse(text, now=now, hosts=hosts, command=command)
    except CommandError:
        for zone in _ZONES:
            with suppress(CommandError):
                return _read(text, now.astimezone(zone), hosts)
        raise


def in_time_zone(migrate: Migrate, *, now: datetime, hosts: Sequence[str] = (), command: str = "/migrate") -> Migrate:
    """Say what ``at`` and ``until`` of a command mean where ``now`` is: ``at 22:00`` is 22:00 there.

    Raises:
        CommandError: there it is over already, or the end comes before the start.

    """
    try:
        start_at, until = migrate_parser.read_times(*migrate.typed_times, now)
    except CommandError as mistake:
        mistake.example = f"{command} {_nearest_right(migrate.text, mistake, now, hosts)}"
        raise
    return replace(migrate, options=replace(migrate.options, start_at=start_at, until=until))


def _nearest_right(text: str, mistake: CommandError, now: datetime, hosts: Sequence[str]) -> str:
    """Mend the text mistake by mistake until it reads; what cannot be mended gets a general example."""
    mended: CommandError = mistake
    for _ in range(_TRIES):
        text = " ".join(f"{text[: mended.start]}{mended.fix}{text[mended.end :]}".split())
        if len(text) > _LONGEST_EXAMPLE:
            break
        try:
            _read(text, now, hosts)
        except CommandError as another:
            mended = another
        else:
            return text or "help"
    source, destination = migrate_parser.example_hosts(hosts)
    return f"web01,web02 from {source} to {destination}"


def _read(text: str, now: datetime, hosts: Sequence[str]) -> Command:
    try:
        found = words(text)
    except UnclosedQuote as unclosed:
        start = unclosed.start
        raise CommandError(
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
    if not first.is_quoted and not any(migrate_parser.is_keyword(word) for word in found):
        meant = nearest(first.text, VERBS)
        if meant:
            raise CommandError(
                f"I do not know {shown(first.text)}; did you mean {meant}?", first.start, first.end, meant
            )
    return migrate_parser.MigrateParser(text=text, words=found, now=now, hosts=hosts).command()


def _without_outer_commas(found: list[Token]) -> list[Token]:
    while found and found[0].is_comma:
        found = found[1:]
    while found and found[-1].is_comma:
        found = found[:-1]
    return found


def _is_vm_after_all(found: Sequence[Token]) -> bool:
    """Whether a VM bears the name of a verb: ``status from HV01 to HV02``."""
    follows = found[1] if len(found) > 1 else None
    is_asked_about = found[0].text.casefold() == "help" and len(found) == 2  # noqa: PLR2004 - "help from"
    return follows is not None and not is_asked_about and (follows.is_comma or migrate_parser.is_keyword(follows))


def _sub_command(text: str, verb: str, found: Sequence[Token]) -> Command:
    rest = [word for word in found[1:] if not word.is_comma]
    match verb:
        case "help":
            return Help(" ".join(word.text for word in rest).casefold())
        case "status" if not rest:
            return Status()
        case "resume" if not rest:
            return Resume()
        case "where":
            return Where(_vm(text, verb, found))
        case "insights":
            return Insights(_period(rest))
        case "status" if rest[0].is_quoted or read_job_id(rest[0].text) is None:
            return Status(vm=_vm(text, verb, found))
        case "cancel" | "retry" | "history" | "status" | "pause" | "resume" | "back":
            return _about_job(text, verb, found[0], rest)
    if rest:
        raise _too_much(verb, found[0], rest)
    plain: dict[str, Command] = {"jobs": Jobs(), "hosts": Hosts(), "stop": Stop(), "handover": Handover()}
    return plain[verb]


def _period(rest: Sequence[Token]) -> timedelta:
    typed = " ".join(word.text for word in rest)
    period = read_period(typed)
    if period is None:
        raise CommandError(
            f"insights takes a length of time, such as 30d, not {shown(typed)}.", rest[0].start, rest[-1].end, "30d"
        )
    return period


def _vm(text: str, verb: str, found: Sequence[Token]) -> str:
    """Read the one VM a verb is about; its name needs no quotes, since nothing can follow it."""
    if len(found) == 1:
        raise CommandError(f"{verb} needs a VM, such as web01.", found[0].end, found[0].end, " web01")
    for word in found[1:]:
        if word.is_comma:
            raise CommandError(
                f"{verb} takes one VM, but {shown(text[word.start :].strip())} follows.", word.start, found[-1].end, ""
            )
    return _joined(text, found[1:])


def _joined(text: str, names: Sequence[Token]) -> str:
    return names[0].text if len(names) == 1 else text[names[0].start : names[-1].end].strip()


def _about_job(text: str, verb: str, first: Token, rest: Sequence[Token]) -> Command:
    if not rest:
        instead = "; to start nothing at all, say stop" if verb == "pause" else ""
        raise CommandError(f"{verb} needs a job, such as J1{instead}.", first.end, first.end, " J1")
    job = _job_id(verb, rest[0])
    if verb == "cancel":
        # A name with spaces needs no quotes here: nothing can follow it.
        return Cancel(job, _joined(text, rest[1:]).strip() if rest[1:] else "")
    if verb == "resume":
        return Resume(job, _joined(text, rest[1:]).strip() if rest[1:] else "")
    if len(rest) > 1:
        instead = " Its VMs go where they were to go; for another host, ask anew." if verb == "retry" else ""
        raise CommandError(
            f"{verb} takes one job, but {shown(rest[1].text)} follows {job}.{instead}", rest[1].start, rest[-1].end, ""
        )
    about: dict[str, Command] = {
        "status": Status(job),
        "retry": Retry(job),
        "history": History(job),
        "pause": Pause(job),
        "back": Back(job),
    }
    return about[verb]


def _job_id(verb: str, word: Token) -> JobId:
    job = read_job_id(word.text)
    if job is None:
        raise CommandError(f"{verb} needs a job, such as J1, not {shown(word.text)}.", word.start, word.end, "J1")
    return job


def _too_much(verb: str, first: Token, rest: Sequence[Token]) -> CommandError:
    start, end = rest[0].start, rest[-1].end
    extra = shown(rest[0].text)
    if verb == "stop":
        return CommandError(
            f"stop is for every job at once, but {extra} follows; to end one job, cancel it.",
            first.start,
            first.end,
            "cancel",
        )
    if verb == "jobs":
        return CommandError(
            f"jobs lists them all, but {extra} follows; status shows one.", first.start, first.end, "status"
        )
    return CommandError(f"{verb} takes nothing more, but {extra} follows.", start, end, "")
