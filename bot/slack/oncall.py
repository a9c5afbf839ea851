"""Decides whom a page mentions: a user group that reaches nobody is replaced by people, and the page says so."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot import access
from bot.slack.user_groups import UserGroups

_TIMEOUT_S = 5.0
"""A page does not wait longer for Slack to tell who is in a group."""


@dataclass(frozen=True, slots=True)
class Called:
    """The ids that a page mentions; ``remark`` says why they are not those of the settings, if so."""

    ids: tuple[str, ...]
    remark: str = ""


async def whom_to_call(oncall: Sequence[str], others: Sequence[str], groups: UserGroups) -> Called:
    """Choose whom to mention; ``others`` stand in when nobody is left."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            members = await groups.members(access.groups_in(oncall))
    except TimeoutError:
        return Called(tuple(oncall))
    ids: list[str] = []
    remarks: list[str] = []
    for who in oncall:
        if not access.is_group(who) or members.get(who) is None or members[who]:
            ids.append(who)
            continue
        former = sorted(groups.disabled_members(who))
        ids += former
        how = (
            "is disabled in Slack, so I call its people one by one"
            if former
            else "has nobody in it, so it calls nobody"
        )
        remarks.append(f"The on-call group {who} {how}.")
    if not ids and oncall:
        ids = list(others)
        remarks.append("I call who may approve, and who asked.")
    return Called(tuple(dict.fromkeys(ids)), " ".join(remarks))
