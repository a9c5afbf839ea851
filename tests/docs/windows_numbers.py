"""Writes docs/generated/windows-numbers.md: every number of Windows that the bot knows, and what it takes it for.

``python -m tests.docs.windows_numbers > docs/generated/windows-numbers.md``
"""

import sys
from collections.abc import Iterator

from core.domain.attempt.error_rules import BY_CODE
from core.domain.attempt.windows_numbers import SAYS_NOTHING, table

_HEAD = """# Numbers of Windows

Every number that the bot knows in the words of a failed move, the rule it belongs to, and whose it is when the
sentence names nothing; [errors.md](../reference/errors.md#rules) has the rules. A Win32 error N stands as `0x8007NNNN`;
other spellings (decimal, negative, `0x000000NN`, `0xD0…` for an NTSTATUS) are the same number. All numbers and names
are documented by Microsoft; *seen* says that Microsoft or a public log shows it for a live migration or a login,
otherwise that a move gives it is an expectation. Your own go into [`[errors]`](../reference/settings.md#errors).
Written by `python -m tests.docs.windows_numbers` from `core/domain/attempt/windows_numbers.toml`; a test compares them.

| Number | Name | Rule | Class | Seen |
|---|---|---|---|---|
"""


def lines() -> Iterator[str]:
    for known in sorted(table().values(), key=lambda one: one.shown):
        rule = BY_CODE.get(known.rule)
        what = f"`{known.rule}` | `{rule.fault.value}`" if rule else "says nothing by itself | `unknown`"
        assert rule is not None or known.rule == SAYS_NOTHING, known
        yield f"| `{known.shown}` | {known.name} | {what} | {'seen' if known.is_seen else ''} |"


def page() -> str:
    return _HEAD + "\n".join([*lines(), ""])


if __name__ == "__main__":
    sys.stdout.write(page())
