"""Makes poorer forms of a message, for when Slack refuses the full one. Pure."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.messages.blocks import Message
from bot.messages.mrkdwn import code, mention

_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|[^>]*)?>")
_NAMED = 10


def mentions_group(message: Message) -> bool:
    """Whether a user group is mentioned, which a workspace may forbid (slack-api-docs#85)."""
    return bool(_GROUP.search(message.text) or _GROUP.search(str(message.blocks)))


def forms(message: Message, members: Mapping[str, frozenset[str] | None]) -> tuple[Message, ...]:
    """List the forms of a message, the best first: as it is, without the mention of a group, as text alone.

    Its table is none of them: ``Message.as_table`` is said by whoever knows that Slack takes one.
    """
    message = replace(message, as_table=())
    plain = without_groups(message, members)
    found = [message, plain, replace(plain, blocks=())]
    return tuple(one for number, one in enumerate(found) if one not in found[:number])


def without_groups(message: Message, members: Mapping[str, frozenset[str] | None]) -> Message:
    """Mention the people of a group one by one instead of the group; a group nobody can tell about is named."""

    def people(found: re.Match[str]) -> str:
        known = sorted(members.get(found[1]) or ())
        more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
        return " ".join(map(mention, known[:_NAMED])) + more if known else code(found[1])

    def replaced(part: Any) -> Any:
        if isinstance(part, str):
            return _GROUP.sub(people, part)
        if isinstance(part, Mapping):
            return {key: replaced(value) for key, value in part.items()}
        return [replaced(one) for one in part] if isinstance(part, list | tuple) else part

    return Message(replaced(message.text), tuple(replaced(message.blocks)))


def elsewhere(message: Message, job_id: str) -> Message:
    """Name the job in a message that does not stand below its card."""
    if re.search(rf"\b{re.escape(job_id)}\b", message.text):
        return message
    first, *rest = message.blocks or ({},)
    named = [{"type": "context", "elements": [{"type": "mrkdwn", "text": f"About {job_id}"}]}] if first else []
    return Message(f"{job_id}: {message.text}", (*named, first, *rest) if first else ())
