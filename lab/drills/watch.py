"""Looks at hosts, workspace and bot of a running drill, and turns what is there into the facts of a record."""

import json
import re
import time
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from lab.drills.record import BotEvent, Done, MoveStart, Page, Seen, VmSeen
from lab.hyperv.world.enums import VMState
from lab.process import BotProcess
from lab.site import Site
from lab.slack.workspace.forms import fields
from lab.slack.workspace.messages import Content, Message

CHANNEL = "migrations"
_REJECT, _CANCEL, _TAKE = "migrate_reject", "migrate_cancel", "migrate_ack"
_WAITS = {_REJECT, _CANCEL, _TAKE}


class Watch:
    """What can be seen from outside since the moment this was made."""

    def __init__(self, here: Site) -> None:
        self._here = here
        self._world = here.hosts.world
        self._owner = here.hosts.fleet.hosts[0].user
        self._began_s = time.time()
        self._began_lab_s = here.hosts.pace.now()

    def elapsed_s(self) -> float:
        return time.time() - self._began_s

    def seen(self) -> Seen:
        """Look once."""
        self._world.advance()
        running = [move for move in self._world.migrations() if move.ended_s is None]
        looks = [_ever(message) for message in self._messages() if message.by_app]
        cards = [look for look in looks if _REJECT in look[0]]
        return Seen(
            lab_s=self._here.hosts.pace.now() - self._began_lab_s,
            moving=frozenset(move.vm.name for move in running if move.owner == self._owner),
            is_anything_moving=bool(running),
            asked=len(cards),
            approved=sum(any(_CANCEL in one for one in look) for look in cards),
            waiting=sum(bool(look[-1] & _WAITS) for look in looks),
            places=self._places(),
        )

    def _messages(self) -> Iterator[Message]:
        for channel in self._here.slack.workspace.channels.values():
            yield from channel.messages.values()

    def _places(self) -> dict[str, tuple[str, ...]]:
        return {vm.name: vm.is_on for vm in self.vms()}

    def vms(self) -> list[VmSeen]:
        """Tell where each VM of the fleet was and is."""
        found: dict[Any, list[tuple[str, int]]] = {}
        for host in self._world.host_names():
            for vm in self._world.vms(host):
                found.setdefault(vm.id, []).append((host, vm.state))
        return [
            VmSeen(
                vm.name,
                vm.host,
                tuple(host for host, _ in found.get(vm.id, [])),
                VMState(found[vm.id][0][1]).name.rstrip("_") if vm.id in found else "gone",
            )
            for vm in self._here.hosts.fleet.vms
        ]

    def acts(self, played: Collection[tuple[str, str]]) -> Iterator[Done]:
        """Tell what people did, without what the drill itself `played`: user and words."""
        left = list(played)
        for act in tuple(self._here.slack.workspace.acts):
            name = self._name(act.user_id)
            if (name, act.words) in left:
                left.remove((name, act.words))
                continue
            # What was typed stands as it was typed; what was pressed quotes a message.
            words = _plain(act.words) if act.what == "presses" else act.words
            yield Done(max(0.0, act.at_s - self._began_s), name, f"{act.what} {words}")

    def failures(self) -> Iterator[Done]:
        for failure in self._here.slack.call_log.failures:
            if failure.at_s >= self._began_s:
                yield Done(failure.at_s - self._began_s, self._name(failure.user_id), failure.what)

    def pages(self) -> Iterator[Page]:
        """Tell every page: a message of the bot that could be taken when it was posted."""
        for message in self._messages():
            payload = (message.metadata or {}).get("event_payload", {})
            if message.by_app and _TAKE in _ever(message)[0]:
                at_s = float(message.ts) - self._began_s
                yield Page(at_s, _plain(message.text), str(payload.get("job", "")), str(payload.get("at", "")))

    def starts(self) -> Iterator[MoveStart]:
        for start in self._world.ledger.starts:
            at_s = (start.at_s - self._began_lab_s) / self._here.hosts.pace.speed
            is_bot = start.owner == self._owner
            why = start.refused_for or ""
            yield MoveStart(at_s, start.vm_name, start.source, start.destination, is_bot, why)

    def violations(self) -> list[str]:
        return [f"{one.kind}: {one.subject} {one.detail}".strip() for one in self._world.ledger.violations]

    async def events(self, bot: BotProcess) -> list[BotEvent]:
        """Ask for the bot's history on its machine, as an operator would: that works while it is dead or Slack is away.

        Raises `RuntimeError` with what it said when it does not tell.
        """
        events = []
        for job in re.findall(r"^J\d+", await _ask(bot, "jobs"), re.MULTILINE):
            for row in json.loads(await _ask(bot, "jobs", "export", job))["events"]:
                at_s = datetime.fromisoformat(row["at"]).timestamp() - self._began_s
                events.append(BotEvent(at_s, job, row["kind"], self._name(row["actor"]), row["vm"], row["data"]))
        return sorted(events, key=lambda event: event.at_s)

    def _name(self, user_id: str) -> str:
        user = self._here.slack.workspace.users.get(user_id)
        return user.name if user else user_id


async def _ask(bot: BotProcess, *words: str) -> str:
    code, said = await bot.command(*words)
    if code:
        raise RuntimeError(f"migrate-bot {' '.join(words)} said: {said}")
    return said


def _plain(text: str) -> str:
    """Return the first line of a message without Slack's markup and mentions."""
    first = re.sub(r"<[^>]*> ?", "", text).partition("\n")[0]
    return re.sub(r"[*`]", "", first).strip()


def _buttons(content: Content) -> set[str]:
    return {str(element.get("action_id")) for _, element in fields(content.blocks)}


def _ever(message: Message) -> list[set[str]]:
    """Return the buttons of a message as they were after each edit, today's last."""
    return [_buttons(content) for content in (*message.earlier, message.content)]
