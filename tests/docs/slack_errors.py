"""Writes docs/generated/slack-errors.md: every error code of Slack's, and what people see of it.

``python -m tests.docs.slack_errors > docs/generated/slack-errors.md``
"""

import sys
from collections.abc import Iterator

from bot.slack.refusals import HINTS, WORDS, About, about
from lab.slack.workspace.error_codes import ANY_METHOD, BY_METHOD

USED = (
    "apps.connections.open",
    "auth.test",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.update",
    "conversations.history",
    "conversations.info",
    "conversations.open",
    "conversations.replies",
    "files.completeUploadExternal",
    "files.getUploadURLExternal",
    "usergroups.users.list",
    "users.info",
    "views.open",
    "views.publish",
    "views.push",
    "views.update",
)
"""The methods the bot calls."""

_HEAD = """# What Slack refuses, and what people see

Every error code that Slack documents for a method the bot calls, what the bot takes it for, and what people see then. A
code that is not here, such as one that Slack adds tomorrow, is taken for *unknown*. Written by
`python -m tests.docs.slack_errors` from `bot/slack/refusals.py` and the lab's table of documented codes; a test
compares them.

| What the bot takes it for | What people see |
|---|---|
"""


def codes() -> dict[str, list[str]]:
    """Every code, with the methods that answer it."""
    found: dict[str, list[str]] = {code: ["any"] for code in ANY_METHOD}
    for method in USED:
        for code in BY_METHOD[method] - ANY_METHOD:
            found.setdefault(code, []).append(method)
    return found


def lines() -> Iterator[str]:
    for meant in About:
        yield f"| *{meant}* | {WORDS[meant]} |"
    yield from ("", "## Codes", "", "| Code | The bot takes it for | Answered by | What to do |", "|---|---|---|---|")
    for code, methods in sorted(codes().items()):
        named = ", ".join(one if one == "any" else f"`{one}`" for one in methods)
        yield f"| `{code}` | *{about(code)}* | {named} | {HINTS.get(code, '')} |"


def page() -> str:
    return _HEAD + "\n".join([*lines(), ""])


if __name__ == "__main__":
    sys.stdout.write(page())
