"""Compares names as the eye does, and tells the marks that Slack puts around a word from the name inside.

A name that is spelled as it was typed always wins: Hyper-V allows nearly every sign in one.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

_MARKS = "*_~`"
_SIGNS_NAMED = 3


def fold(name: str) -> str:
    """Fold what looks alike: case, composed and decomposed letters, full-width forms; unseen signs do not count."""
    flat = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join("".join(char for char in flat if unicodedata.category(char) != "Cf").split())


def unmarked(text: str) -> str:
    """Take off the marks around a word: ``*bold*``, ``_italic_``, ``~struck~`` and back-ticks, one within another."""
    while len(text) > 2 and text[0] == text[-1] and text[0] in _MARKS:  # noqa: PLR2004 - a mark, a sign, a mark
        text = text[1:-1]
    return text


def without_open_marks(texts: list[str]) -> list[str]:
    """Take off a mark that begins at one word and ends at a later one: ``*web01``, ``web02*``."""
    plain = list(texts)
    for first, text in enumerate(texts):
        mark = text[:1]
        if len(text) < 2 or mark not in _MARKS or text[-1] == mark:  # noqa: PLR2004
            continue
        for last in range(first + 1, len(texts)):
            if texts[last].endswith(mark):
                plain[first], plain[last] = text[1:], texts[last][:-1]
                break
    return plain


class NameIndex:
    """Names, to be found by what a person typed."""

    def __init__(self, names: Iterable[str]) -> None:
        self._spelled: defaultdict[str, set[str]] = defaultdict(set)
        self._seen: defaultdict[str, set[str]] = defaultdict(set)
        for name in names:
            self._spelled[name.casefold()].add(name)
            self._seen[fold(name)].add(name)

    def exactly(self, text: str) -> frozenset[str]:
        """Return the names that are spelled so, in any case; else those that look so."""
        return frozenset(self._spelled.get(text.casefold()) or self._seen.get(fold(text)) or ())

    def meant(self, text: str) -> frozenset[str]:
        """Return what a person may mean: the name itself, else what stands between marks."""
        return self.exactly(text) or self.exactly(unmarked(text))


def odd_signs(typed: str, name: str) -> str:
    """Name the signs by which two names differ though they may look the same; empty when those are plain ones."""
    found = [
        f'"{sign}" {where} is {unicodedata.name(sign, f"U+{ord(sign):04X}")}'
        for where, signs in (("there", set(name) - set(typed)), ("in what you typed", set(typed) - set(name)))
        for sign in sorted(signs)
        if not sign.isascii()
    ]
    return "; ".join(found[:_SIGNS_NAMED])
