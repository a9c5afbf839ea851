r"""The form of a rule: what a known error is recognised by, whose it is, and what a human may do.

A rule is recognised by a number (``windows_numbers.toml`` says which), by PowerShell's error id, by the host's English
words, or by what its sentence names. Sources: Microsoft support articles on live migration and event 21501, 21502,
21024; KB2790310, KB2249906, KB2779204; public logs. ``docs/reference/errors.md`` lists every rule.
"""

import re
from dataclasses import dataclass

from core.domain.attempt.subject import Subject
from core.domain.model.move import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One known error.

    ``text``: a pattern over all lines of the host's English words. ``fqid``: one over PowerShell's
    FullyQualifiedErrorId. ``about``: the rule that holds instead when the sentence is about this. ``is_shared``: the
    same refusal for a second VM proves that it is not the VM's, see ``alike``. ``is_hosts``: when the sentence names
    the destination alone, it is that host's and not the pair's.
    """

    code: str
    fault: Fault
    hint: str
    text: re.Pattern[str] | None = None
    fqid: re.Pattern[str] | None = None
    about: tuple[tuple[Subject, str], ...] = ()
    is_shared: bool = False
    is_hosts: bool = False


def rule(
    code: str,
    fault: Fault,
    hint: str,
    *,
    text: str = "",
    fqid: str = "",
    about: tuple[tuple[Subject, str], ...] = (),
    is_shared: bool = False,
    is_hosts: bool = False,
) -> Rule:
    """Write a rule, its patterns as text."""

    def pattern(source: str) -> re.Pattern[str] | None:
        return re.compile(source, re.IGNORECASE | re.DOTALL) if source else None

    return Rule(
        code=code,
        fault=fault,
        hint=hint,
        text=pattern(text),
        fqid=pattern(fqid),
        about=about,
        is_shared=is_shared,
        is_hosts=is_hosts,
    )
