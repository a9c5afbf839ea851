"""Reads the sentence of a move: ``<vms> from <hosts> to <hosts> [path <folder>] [options]``, in any order."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.commands import option_values
from bot.commands.errors import CommandError
from bot.commands.model import Migrate
from bot.commands.option_values import BadValue, shown
from bot.commands.tokens import Token
from bot.commands.vocabulary import FLAGS, KEYWORDS, OPTIONS, known, nearest, slip_of
from core.domain.model.names import unmarked
from core.domain.model.plan import Options

_HEAD = re.compile(r"(-{0,2})([A-Za-z][A-Za-z_-]*)(=(.*))?", re.DOTALL)
_FOLDER = re.compile(r"[A-Za-z]:(?:[\\/].*)?|\\\\[^\\/]+[\\/].+", re.DOTALL)
_FIELDS = {
    "backup-wait": "backup_wait_s",
    "keep-drives": "keep_drives",
    "fail-fast": "fail_fast",
    "ignore-backups": "ignore_backups",
    "at": "start_at",
}
_PROSE = {"reason": "host maintenance", "override": "agreed with the owner"}


@dataclass(frozen=True, slots=True)
class Head:
    """A word that opens a part of the sentence: ``from``, ``--parallel``, ``reason=…``; ``value`` followed ``=``."""

    name: str
    word: Token
    value: Token | None = None
    is_negated: bool = False


def head(word: Token, *, is_bare_option_ok: bool) -> Head | None:
    """Find what a word opens. A quoted word opens nothing; a bare option only where no name can stand.

    Raises:
        CommandError: it is written like an option and is none.

    """
    found = None if word.is_quoted or word.is_comma else _HEAD.fullmatch(word.text)
    if not found:
        return None
    dashes, name, has_value, value = found.groups()
    meant = known(name)
    is_marked = bool(dashes or has_value)
    if meant is None:
        if dashes == "--" or has_value:
            raise _unknown_option(word, name, has_value or "")
        return None
    if not is_marked and meant[0] in OPTIONS and not is_bare_option_ok:
        return None
    # The value keeps its own place; its quotes, if it had any, are already off.
    place = word.end - len(value) if value else word.end
    is_quoted = bool(value) and word.end - word.start != len(word.text)
    return Head(meant[0], word, Token(value, place, word.end, is_quoted=is_quoted) if value else None, meant[1])


def is_keyword(word: Token) -> bool:
    """Whether a word is ``from`` or ``to``, in any of their forms."""
    found = None if word.is_quoted or word.is_comma else _HEAD.fullmatch(word.text)
    meant = known(found[2]) if found else None
    return meant is not None and meant[0] in {"from", "to"}


def example_hosts(hosts: Sequence[str], *taken: str) -> tuple[str, str]:
    """Pick a source and a destination for an example: real ones, and none that is taken already."""
    folded = {name.casefold() for name in taken}
    invented = (f"HV{number:02}" for number in range(1, len(taken) + 3))
    spare = [name for name in dict.fromkeys((*hosts, *invented)) if name.casefold() not in folded]
    return spare[0], spare[1]


def _unknown_option(word: Token, name: str, value: str) -> CommandError:
    meant = nearest(name, (*OPTIONS, *KEYWORDS), 0.6)
    if meant:
        return CommandError(
            f"I do not know the option {shown(name)}; did you mean {meant}?", word.start, word.end, f"--{meant}{value}"
        )
    return CommandError(
        f"I do not know the option {shown(name)}; there are {', '.join(OPTIONS)}.", word.start, word.end, ""
    )


def read_times(start: Token | None, end: Token | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Read what was typed after ``at`` and ``until``, in the time zone of ``now``. Raises CommandError."""
    begins = _fitting(start, lambda: option_values.moment(start.text, now)) if start else None
    return begins, _read_end(end, begins, now) if end else None


def _read_end(end: Token, start: datetime | None, now: datetime) -> datetime:
    """Read ``until``: a time of day is the next one after the start."""
    begins = start.astimezone(now.tzinfo) if start and option_values.is_clock(end.text) else now
    at: datetime = _fitting(end, lambda: option_values.moment(end.text, begins, "until"))
    if start and at <= start:
        later = f"{(start + timedelta(hours=6)).astimezone(now.tzinfo):%Y-%m-%dT%H:%M}"
        raise CommandError(f"until must be later than at, but {end.text} is not.", end.start, end.end, later)
    return at


def _fitting(word: Token, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except BadValue as bad:
        raise CommandError(bad.sentence, word.start, word.end, bad.fix) from None


@dataclass(slots=True, kw_only=True)
class MigrateParser:
    """The state of one pass over the words of a move, left to right."""

    text: str
    words: Sequence[Token]
    now: datetime
    hosts: Sequence[str]
    at: int = 0
    part: str = "vms"
    names: dict[str, list[Token]] = field(default_factory=lambda: {"vms": [], "from": [], "to": []})
    path: str = ""
    set_options: dict[str, Any] = field(default_factory=dict)
    start: Token | None = None
    end: Token | None = None
    """When all should start and be done, as typed: what it means depends on where the person is."""
    seen: set[str] = field(default_factory=set)

    def command(self) -> Migrate:
        """Read everything.

        Raises:
            CommandError: something is missing, too much, or does not fit.

        """
        while self.at < len(self.words):
            word = self.words[self.at]
            opened = head(word, is_bare_option_ok=self._may_be_option())
            self.at += 1
            if opened is not None:
                self._open(opened)
            elif word.text and not word.is_comma:
                self._take_name(word)
        self._check_complete()
        if self.end:
            self.set_options["until"] = _read_end(self.end, self.set_options.get("start_at"), self.now)
        vms, sources, destinations = (
            tuple(dict.fromkeys(w.text for w in self.names[k])) for k in ("vms", "from", "to")
        )
        return Migrate(
            vms=vms,
            sources=sources,
            destinations=destinations,
            path=self.path,
            options=Options(**self.set_options),
            text=self.text,
            typed_times=(self.start, self.end),
        )

    def _may_be_option(self) -> bool:
        return self.part == "" or (self.part != "vms" and bool(self.names[self.part]))

    def _take_name(self, word: Token) -> None:
        if self.part == "":
            meant = None if word.is_quoted else nearest(word.text, (*OPTIONS, *KEYWORDS))
            before = self.words[self.at - 2]
            where = f"after {shown(self.text[before.start : before.end])}"
            if meant:
                raise CommandError(
                    f"I do not know {shown(word.text)} {where}; did you mean {meant}?", word.start, word.end, meant
                )
            raise CommandError(
                f"I did not expect {shown(word.text)} {where}; put a value with spaces in quotes.",
                word.start,
                word.end,
                "",
            )
        if self.part != "vms" and not word.is_quoted and word.text.casefold() not in map(str.casefold, self.hosts):
            missing = [keyword for keyword in ("from", "to") if keyword not in self.seen]
            meant = slip_of(word.text) or nearest(word.text, (*missing, "path", *OPTIONS))
            if meant and meant not in self.seen and (self.names[self.part] or meant in missing):
                raise CommandError(
                    f"I do not know {shown(word.text)} here; did you mean {meant}?", word.start, word.end, meant
                )
        self.names[self.part].append(word)

    def _open(self, opened: Head) -> None:
        name = opened.name
        if name in self.seen:
            raise self._twice(opened)
        self.seen.add(name)
        if name in {"from", "to"}:
            self.part = name
            if opened.value:
                self.names[name].append(opened.value)
            return
        if name == "path":
            self.path = self._folder(opened)
        elif name in _PROSE:
            self.set_options[name] = self._prose(opened)
        elif name == "apart":
            self.set_options[name] = self._patterns(opened)
        elif name in FLAGS:
            self.set_options[_FIELDS.get(name, name)] = self._flag(opened)
        else:
            self._valued(opened)
        # After an option a bare word could belong anywhere, except before "from": there it is one more VM.
        if self.part != "vms":
            self.part = ""

    def _twice(self, opened: Head) -> CommandError:
        """Point at a second ``from``, ``to`` or option, together with what belongs to it."""
        value, end = "", opened.word.end
        for word in self.words[self.at :]:
            if opened.value or head(word, is_bare_option_ok=True):
                break
            end = word.end
            value = self.text[opened.word.end : end].strip()
        if opened.name not in {"from", "to"}:
            return CommandError(f"{opened.name} is there twice.", opened.word.start, end, "")
        sentence = f"{opened.name} is there twice; name several hosts with commas."
        hosts = self.names[opened.name]
        is_next = bool(value and hosts) and not self.text[hosts[-1].end : opened.word.start].strip()
        return CommandError(
            sentence, hosts[-1].end if is_next else opened.word.start, end, f",{value}" if is_next else ""
        )

    def _valued(self, opened: Head) -> None:
        name = opened.name
        example = {"parallel": "2", "attempts": "3", "backup-wait": "1h30m", "at": "22:00", "until": "04:00"}[name]
        word = opened.value or self._next_value()
        if word is None:
            raise CommandError(f"{name} needs a value, such as {name}={example}.", opened.word.start, opened.word.end,
                          f"{name}={example}")  # fmt: skip
        word = replace(word, text=unmarked(word.text))
        if name in {"at", "until"}:
            word = self._with_time(word)
        if name == "until":
            self.end = word
            return
        if name == "at":
            self.start = word
        read: dict[str, Callable[[], Any]] = {
            "parallel": lambda: option_values.whole("parallel", word.text),
            "attempts": lambda: option_values.whole("attempts", word.text),
            "backup-wait": lambda: option_values.wait_s("backup-wait", word.text),
            "at": lambda: option_values.moment(word.text, self.now),
        }
        self.set_options[_FIELDS.get(name, name)] = _fitting(word, read[name])

    def _patterns(self, opened: Head) -> tuple[str, ...]:
        """Read one pattern of names, or several with commas between them."""
        word = opened.value or self._next_value()
        if word is None or not word.text:
            raise CommandError("apart needs names, such as apart=dc*.", opened.word.start, opened.word.end, "apart=dc*")
        found = [word.text]
        while self.at + 1 < len(self.words) and self.words[self.at].is_comma and not self.words[self.at + 1].is_comma:
            found.append(self.words[self.at + 1].text)
            self.at += 2
        return tuple(dict.fromkeys(found))

    def _with_time(self, word: Token) -> Token:
        """Join a day and the time in the next word."""
        after = self.words[self.at] if self.at < len(self.words) else None
        if option_values.is_date(word.text) and after and not after.is_comma:
            self.at += 1
            return Token(f"{word.text} {after.text}", word.start, after.end)
        return word

    def _next_value(self) -> Token | None:
        word = self.words[self.at] if self.at < len(self.words) else None
        if word is None or word.is_comma or head(word, is_bare_option_ok=True):
            return None
        self.at += 1
        return word

    def _flag(self, opened: Head) -> bool:
        word = opened.value
        following = self.words[self.at] if self.at < len(self.words) else None
        if word is None and following and not following.is_quoted and option_values.is_flag_value(following.text):
            self.at += 1
            word = following
        answer = True if word is None else _fitting(word, lambda: option_values.flag(opened.name, word.text))
        return bool(answer) is not opened.is_negated

    def _folder(self, opened: Head) -> str:
        folder, start, end = self._run(opened, ends_at=lambda word: head(word, is_bare_option_ok=True) is not None)
        folder = folder if _FOLDER.fullmatch(folder) else unmarked(folder)
        if not _FOLDER.fullmatch(folder):
            what = f"not {shown(folder)}" if folder else "and none follows"
            if not folder:
                raise CommandError(f"path needs a full folder such as D:\\VMs, {what}.", start, end, " D:\\VMs")
            raise CommandError(f"path needs a full folder such as D:\\VMs, {what}.", start, end, "D:\\VMs")
        return folder

    def _prose(self, opened: Head) -> str:
        # A reason, whatever it is for, is prose: "from", "to" and "at" are words of it. Only a marked option ends it.
        reason, start, end = self._run(opened, ends_at=lambda word: head(word, is_bare_option_ok=False) is not None
                                       and not _is_bare(word))  # fmt: skip
        if not reason:
            raise CommandError(f"{opened.name} needs some words, in quotes.", start, end, f' "{_PROSE[opened.name]}"')
        return reason

    def _run(self, opened: Head, ends_at: Callable[[Token], bool]) -> tuple[str, int, int]:
        """Take a quoted value, or everything up to the word that ends it; a value may hold spaces and commas."""
        first = opened.value
        if first is None and self.at < len(self.words) and not ends_at(self.words[self.at]):
            first = self.words[self.at]
            self.at += 1
        if first is None:
            return "", opened.word.end, opened.word.end
        last = first
        while not first.is_quoted and self.at < len(self.words) and not ends_at(self.words[self.at]):
            last = self.words[self.at]
            self.at += 1
        if last is first:
            return first.text, first.start, first.end
        return self.text[first.start : last.end].rstrip(" ,"), first.start, last.end

    def _check_complete(self) -> None:
        vms, sources, destinations = self.names["vms"], self.names["from"], self.names["to"]
        source, _ = example_hosts(self.hosts, *(word.text for word in (*sources, *destinations)))
        for keyword in ("from", "to"):
            missing = keyword not in self.seen
            typed = [word for word in (*vms, *sources, *destinations) if missing and not word.is_quoted]
            for slip in (word for word in typed if slip_of(word.text) == keyword):
                raise CommandError(
                    f"I do not know {shown(slip.text)} here; did you mean {keyword}?", slip.start, slip.end, keyword
                )
        if not vms:
            raise CommandError("Which VMs? Name them first, or say all.", 0, 0, "web01,web02 ")
        if not sources:
            place = self._place_of("from") or max(word.end for word in vms)
            gap = f" {source}" if "from" in self.seen else f" from {source}"
            raise CommandError("From which host? Say it with from.", place, place, f"{gap} ")
        if not destinations:
            place = self._place_of("to") or max(word.end for word in sources)
            gap = f" {source}" if "to" in self.seen else f" to {source}"
            raise CommandError("To which host? Say it with to.", place, place, f"{gap} ")

    def _place_of(self, keyword: str) -> int | None:
        """Find the end of a keyword that was given without any host."""
        for word in self.words:
            found = None if word.is_quoted or word.is_comma else _HEAD.fullmatch(word.text)
            meant = known(found[2]) if found else None
            if meant and meant[0] == keyword:
                return word.end
        return None


def _is_bare(word: Token) -> bool:
    found = _HEAD.fullmatch(word.text)
    return found is None or not (found[1] or found[3])
