"""Decides who owns a VM, and why: its notes, else the patterns of the settings; never a guess."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from core.domain.model.ownership import Found, Owned, Owner, Person, read_person

WORDS_ROOM = 200
"""So many characters of an owner's words are kept."""


def named_owner(name: str, notes: Sequence[str], patterns: Mapping[str, str]) -> Owner:
    """Say who is named as the owner of a VM; nobody was looked for yet.

    ``notes``: what stands behind the key in its notes. ``patterns``: of VMs' names, and whom each names. Notes settle
    it if they name exactly one person; else the settings do, by the name itself, or if all patterns that fit agree.
    """
    in_notes = list(dict.fromkeys(filter(None, map(read_person, notes))))
    if len(in_notes) == 1:
        return Owner(in_notes[0], "by the VM's notes")
    exact = {person for pattern, person in patterns.items() if pattern.casefold() == name.casefold()}
    fits = {pattern: person for pattern, person in patterns.items() if fnmatchcase(name.casefold(), pattern.casefold())}
    in_settings = exact or set(fits.values())
    if len(in_settings) == 1:
        (person,) = in_settings
        which = name if exact else min(pattern for pattern in fits if fits[pattern] == person)
        return Owner(read_person(person), f"by {which} in the settings")
    if in_settings:
        return Owner(why=f"the settings name {len(in_settings)} owners: by {' and '.join(sorted(fits))}")
    if in_notes:
        return Owner(why=f"its notes name {len(in_notes)} owners")
    return Owner(why="its notes name an owner, but no mail address and no member id" if any(notes) else "")


def found_owner(named: Owner, person: Person) -> Owner:
    """Say what Slack knows of who is named."""
    return Owner(named.named, named.why, person.found, person.user)


def by_owner(owners: Iterable[tuple[str, Owner | None]]) -> tuple[Owned, ...]:
    """Group VMs by who hears of them, then by why nobody does; those of which nothing is written down are left out."""
    heard: dict[str, tuple[Owner, list[str]]] = {}
    unheard: dict[tuple[str, Found, str], tuple[Owner, list[str]]] = {}
    for name, owner in owners:
        if owner is None:
            continue
        if owner.hears:
            heard.setdefault(owner.hears, (owner, []))[1].append(name)
        elif owner.named or owner.why:
            key = (owner.named, owner.found, "" if owner.named else owner.why)
            unheard.setdefault(key, (owner, []))[1].append(name)
    return tuple(Owned(owner, tuple(vms)) for owner, vms in (*heard.values(), *unheard.values()))


def as_words(text: str) -> str:
    """Put an owner's words into one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= WORDS_ROOM else line[: WORDS_ROOM - 1].rstrip() + "…"
