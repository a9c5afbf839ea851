r"""Decides what a host's error means: its class, whether waiting or trying again helps, and a hint for a human.

Numbers decide first, then PowerShell's error ids, then the host's English words, then the names in the sentence and the
fresh state of the VM and the hosts. What a sentence is about (a file of the VM, a folder of the destination, a host)
tells whose a general number is: the VM's, the host's or the pair's. So a host of any language is understood alike.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from core.domain.attempt.error_rule import Rule
from core.domain.attempt.error_rules import BY_CODE, RULES
from core.domain.attempt.subject import About, Names, Subject, about
from core.domain.attempt.windows_numbers import KnownNumber, numbers_in, rule_of, spelled, table
from core.domain.model.host_calls import HostWord
from core.domain.model.move import Fault


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict over an error. ``code`` is the rule's name, ``words`` the host's own words.

    ``why``: what decided, for the log. ``is_shared``: a second VM that fares alike makes it the host's or the pair's.
    ``first``: why the first try failed, where that was something else.
    """

    code: str
    fault: Fault
    hint: str
    words: str = ""
    why: str = ""
    is_shared: bool = False
    first: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the hosts show right after a failure.

    ``is_host_full``: a host's own counter is at its limit (the limit texts carry no number). ``is_on_source``: the
    source shows the VM, whatever it said. ``off``: the hosts of the move whose settings forbid migrations.
    """

    is_backing_up: bool = False
    is_host_full: bool = False
    is_on_source: bool = False
    is_clustered: bool = False
    off: tuple[str, ...] = ()


UNKNOWN_HINT = "The host gave no reason the bot knows; see the host's Hyper-V-VMMS event log."
SETTINGS_HINT = "Your settings say under [errors] what this number means."
NOBODY = Names()
NOTHING_SEEN = Seen()

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NOT_FOUND = "ObjectNotFound,"
_BAD_PARAMETER = "InvalidParameter,"
_INVALID_OPERATION = 7
"""PowerShell's ErrorCategory of what a cmdlet refuses before there is a job."""


@dataclass(frozen=True, slots=True)
class _Said:
    """All that a host said, gathered once."""

    words: Sequence[HostWord]
    names: Names
    text: str
    numbers: tuple[int, ...] = field(init=False)
    about: About = field(init=False)

    def __post_init__(self) -> None:
        numbers = [number for word in self.words for number in (*numbers_in(word.text), *numbers_in(word.fqid))]
        object.__setattr__(self, "numbers", tuple(dict.fromkeys(numbers)))
        object.__setattr__(self, "about", about(self.text, self.names))


def diagnose(
    words: Sequence[HostWord],
    names: Names = NOBODY,
    seen: Seen = NOTHING_SEEN,
    own: Mapping[int, Fault] = MappingProxyType({}),
) -> Diagnosis:
    """Decide what a failed move's errors mean. ``own``: what the settings say of numbers, canonical; they win."""
    said = _Said(words, names, "\n".join(word.text for word in words).strip())
    number = rule_of(said.numbers)
    mine = next((one for one in said.numbers if one in own), None)
    if mine is not None:
        return _as_settings_say(mine, own[mine], said)
    rule, why = _found(said, number)
    if rule is not None and rule.code == "vm-gone" and seen.is_on_source:
        rule, why = BY_CODE["service-away"], "the source shows the VM"
    if seen.is_backing_up and (rule is None or rule.code == "busy"):
        return Diagnosis("backup", Fault.BACKUP, "A backup is running; the move waits for it.", said.text, "a backup")
    if rule is None and (seen.off or seen.is_clustered):
        rule, why = (
            BY_CODE["migration-off" if seen.off else "clustered"],
            "the host's settings" if seen.off else "the VM's state",
        )
    if rule is None:
        rule, why = _by_names(said)
    if rule is not None and seen.is_host_full and rule.code == "hop-a" and not said.numbers:
        rule = None
    if rule is not None:
        return _verdict(rule, why, said, seen)
    if seen.is_host_full and not said.numbers:
        return Diagnosis("limit", Fault.LIMIT, "The host was full when the bot tried.", said.text, "the counters")
    return Diagnosis("unknown", Fault.UNKNOWN, UNKNOWN_HINT, said.text, "nothing known fits", is_shared=True)


def _as_settings_say(number: int, fault: Fault, said: _Said) -> Diagnosis:
    known, why = table().get(number), f"{spelled(number)} in [errors]"
    rule = BY_CODE.get(known.rule) if known else None
    if rule is None:
        return Diagnosis("settings", fault, SETTINGS_HINT, said.text, why)
    return Diagnosis(rule.code, fault, rule.hint, said.text, why)


def _found(said: _Said, number: KnownNumber | None) -> tuple[Rule | None, str]:
    """Find the rule by number, then by error id, then by the English words."""
    if number is not None:
        return BY_CODE[number.rule], f"{number.shown} {number.name}"
    for word in said.words:
        if word.fqid.startswith(_NOT_FOUND):
            return BY_CODE["vm-gone" if _names_a_vm(word.text, said.names) else "service-away"], word.fqid
    for rule in RULES:
        if rule.fqid and (fqid := next((word.fqid for word in said.words if rule.fqid.search(word.fqid)), "")):
            return rule, fqid
    for rule in RULES:
        if rule.text and any(rule.text.search(word.text) for word in said.words):
            return rule, "its words"
    return None, ""


def _names_a_vm(text: str, names: Names) -> bool:
    return names.names_vm(text) if names.vm_id else _GUID.search(text) is not None


def _by_names(said: _Said) -> tuple[Rule | None, str]:
    """Find the rule of a sentence without number, id or known words by the names in it."""
    names = said.names
    switch = names.switch_in(said.text)
    if switch and switch.casefold() not in {
        names.vm_name.casefold(),
        names.source.casefold(),
        names.destination.casefold(),
    }:
        return BY_CODE["switch-missing"], f"it names the switch {switch}"
    for word in said.words:
        if names.names_vm(word.text) or names.names_vm_by_name(word.text):
            continue
        if word.category == _INVALID_OPERATION and (
            names.names_destination(word.text) or names.names_source(word.text)
        ):
            return BY_CODE["migration-off"], "a refusal before any job that names a host"
        if names.names_destination(word.text):
            is_unresolved = word.fqid.startswith(_BAD_PARAMETER)
            return BY_CODE["name-unknown" if is_unresolved else "hop-a"], "it names the destination alone"
    return None, ""


def _verdict(rule: Rule, why: str, said: _Said, seen: Seen) -> Diagnosis:
    """Apply what the sentence is about to the rule that was found."""
    topic = said.about
    other = dict(rule.about).get(topic.subject)
    if other:
        rule, why = BY_CODE[other], f"{why}, about {topic.name}"
    fault = rule.fault
    is_there = topic.subject is Subject.DESTINATION or (said.names.destination in seen.off and len(seen.off) == 1)
    if rule.is_hosts and is_there:
        fault, why = Fault.HOST, f"{why}, of {said.names.destination}"
    return Diagnosis(rule.code, fault, rule.hint, said.text, why, rule.is_shared)
