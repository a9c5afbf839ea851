"""The words of the command, and which of them a misspelled word was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

VERBS = (
    *("status", "jobs", "hosts", "where", "handover", "cancel", "pause", "resume", "stop", "retry", "back", "history"),
    *("insights", "help"),
)
KEYWORDS = ("from", "to", "path")
OPTIONS = (
    *(
        "parallel",
        "attempts",
        "backup-wait",
        "subfolder",
        "keep-drives",
        "fail-fast",
        "ignore-backups",
        "apart",
        "at",
        "until",
        "override",
    ),
    "reason",
)
FLAGS = ("subfolder", "keep-drives", "fail-fast", "ignore-backups")

# Slips that letter-by-letter likeness does not catch in such short words.
_SLIPS = {
    "from": {"form", "frm", "fom", "fron", "rom", "on", "off", "of", "source", "src"},
    "to": {"ot", "tp", "ro", "too", "into", "onto", "->", "=>", "→", "destination", "dest", "target"},
}
_LIKENESS = 0.75


def plain(word: str) -> str:
    """Fold a word for comparison: case, hyphens and underscores do not count."""
    return word.casefold().replace("-", "").replace("_", "")


_BY_PLAIN = {plain(word): word for word in (*KEYWORDS, *OPTIONS)}
# As people say it of one VM.
_BY_PLAIN["ignorebackup"] = "ignore-backups"
_NEGATIONS = {"no" + plain(flag): flag for flag in FLAGS}


def known(word: str) -> tuple[str, bool] | None:
    """Find the keyword or option a word is, and whether it is negated (``no-subfolder``)."""
    if (name := _BY_PLAIN.get(plain(word))) is not None:
        return name, False
    if (name := _NEGATIONS.get(plain(word))) is not None:
        return name, True
    return None


def nearest(word: str, choices: Iterable[str], likeness: float = _LIKENESS) -> str | None:
    """Find the one a misspelled word was most likely meant to be."""
    by_plain = {plain(choice): choice for choice in choices}
    close = get_close_matches(plain(word)[:80], by_plain, n=1, cutoff=likeness)
    return by_plain[close[0]] if close else None


def slip_of(word: str) -> str | None:
    """Find the keyword ``from`` or ``to`` that a word is a common slip of."""
    folded = word.casefold().rstrip(":")
    return next((keyword for keyword, slips in _SLIPS.items() if folded in slips), None)


def is_near_reserved(name: str) -> bool:
    """Whether a bare name could be read as, or taken for, a word of the command."""
    everything = (*VERBS, *KEYWORDS, *OPTIONS)
    return known(name) is not None or slip_of(name) is not None or nearest(name, everything, 0.6) is not None
