"""What people do in each story, up to its last line. None of them knows that the bot may die."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from lab.hyperv.world.faults import MoveFault
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.messages import Message
from tests.crash.crash_run import DESTINATION, OTHER, Place
from tests.crash.points import Story, When
from tests.support.full_system import CHANNEL

_NO_ANSWER_S = 4.0


async def _one(place: Place) -> None:
    """One VM: asked, approved, moved, cleaned up."""
    place.put_vms(1)
    await place.asked_and_approved()
    await place.moving()
    await place.says("is over")


async def _plain(place: Place) -> None:
    """Three VMs for two slots."""
    place.put_vms(3)
    await place.asked_and_approved()
    await place.moving()
    await place.says("is over")


async def _failing(place: Place) -> None:
    """One VM; its first move fails, the second succeeds."""
    place.put_vms(1)
    place.world.order(MoveFault(vm=place.vm_id(1)))
    await place.asked_and_approved()
    await place.says("is over")


async def _backup(place: Place) -> None:
    """One VM, which is being backed up when it is approved."""
    place.put_vms(1)
    card = await place.ask()
    place.world.start_backup(place.vm_id(1))
    await place.approve(card)
    await place.says("is being backed up")
    place.world.stop_backup(place.vm_id(1))
    await place.says("is over")


async def _cancelled(place: Place) -> None:
    """Three VMs; the job is cancelled while two of them move."""
    place.put_vms(3, gb=200)
    await place.asked_and_approved()
    await place.moving(2)
    await place.want(
        lambda: place.person("alice").slash(CHANNEL, f"/migrate cancel {place.job_id()}"),
        lambda: place.is_said("✋"),
    )
    await place.says("is over")


async def _stopped(place: Place) -> None:
    """The big red stop before the approval, lifted when the card says that nothing starts."""
    place.put_vms(1)
    card = await place.ask()
    await place.command("bob", "/migrate stop", "Stopped")
    await place.approve(card)
    await place.wait_for(lambda: "stopped" in str(card.blocks).casefold())
    assert not place.is_anything_moving()
    await place.command("bob", "/migrate resume", "start again")
    await place.says("is over")


async def _rejected(place: Place) -> None:
    """One VM; rejected with a reason."""
    place.put_vms(1)
    card = await place.ask()
    bob = place.person("bob")

    async def reject() -> object:
        before = bob.view  # of a bot that died before it took the form
        await bob.click(card, "migrate_reject")
        view = await place.wait_for(lambda: None if bob.view is before else bob.view)
        field = next(block["block_id"] for block in view.definition["blocks"] if block["type"] == "input")
        return await bob.submit({field: "not today"})

    await place.want(reject, lambda: place.is_said("not today"))


async def _withdrawn(place: Place) -> None:
    """One VM; who asked takes it back before anybody approves."""
    place.put_vms(1)
    await place.ask()
    await place.want(
        lambda: place.person("alice").slash(CHANNEL, f"/migrate cancel {place.job_id()}"),
        lambda: place.is_said("withdrew"),
    )


async def _slack_down(place: Place) -> None:
    """One VM; Slack takes the line about the approval, and the connection breaks before it answers."""
    place.put_vms(1)
    card = await place.ask()
    place.here.slack.faults.add(FaultKind.LOST_REPLY, "chat.postMessage")
    await place.approve(card)
    await place.says("is over")


async def _checked(place: Place) -> None:
    """Two VMs for two hosts, one of which cannot take them: its VM goes to the other before anybody can approve."""
    place.put_vms(2, is_processor_compatible=False)
    place.world.change_host(DESTINATION, {"processor_family": "amd"})
    await place.ask(f"{DESTINATION},{OTHER}")
    await place.says("hosts of")
    await place.approve(await place.wait_for(place.decidable_card))
    await place.says("is over")


async def _replanned(place: Place) -> None:
    """Four VMs for two hosts, one of which is switched off while two move: what waits for it goes to the other."""
    place.put_vms(4)
    card = await place.ask(f"{DESTINATION},{OTHER}")
    place.crawl()
    await place.approve(card)
    await place.moving(2)
    await place.reached(When.DROPOUT)
    place.world.change_host(DESTINATION, {"migration_enabled": False})
    await place.says("dropped out")
    place.run_fast()
    await place.says("is over")


async def _owned(place: Place) -> None:
    """One VM, which its owner holds while all starts are stopped; they go on, and somebody releases it."""
    place.put_vms(1, notes="owner: carol@contoso.com")
    await place.command("bob", "/migrate stop", "Stopped")
    card = await place.ask()
    await place.wait_for(lambda: "Will be told as owner" in str(card.blocks))
    await place.approve(card)
    carol = place.person("carol")

    async def form(note: Message) -> None:
        """Press the button until the form opens: a bot that dies just then leaves a click without an answer."""
        before = carol.view
        while carol.view is before:
            await carol.click(note, "migrate_not_now")
            with suppress(TimeoutError):
                async with asyncio.timeout(_NO_ANSWER_S):
                    await place.wait_for(lambda: None if carol.view is before else carol.view)

    async def hold() -> object:
        await form(await place.wait_for(lambda: next(iter(place.direct()), None)))
        return await carol.submit({"words": "not tonight"})

    await place.want(hold, lambda: place.is_said("says not now: not tonight"))
    await place.command("bob", "/migrate resume", "start again")
    await place.wait_for(lambda: "its owner says not now" in str(card.blocks))
    assert not place.is_anything_moving()
    await place.command("bob", f"/migrate resume {place.job_id()} web01", "may start again")
    await place.wait_for(lambda: place.is_said("released `web01`"))
    await place.says("is over")
    await place.wait_for(lambda: len(place.direct()) == 3)  # that it is to move, that it is released, that it is over


STORIES: Mapping[Story, Callable[[Place], Awaitable[None]]] = {
    Story.ONE: _one,
    Story.PLAIN: _plain,
    Story.FAILING: _failing,
    Story.BACKUP: _backup,
    Story.CANCELLED: _cancelled,
    Story.STOPPED: _stopped,
    Story.REJECTED: _rejected,
    Story.WITHDRAWN: _withdrawn,
    Story.SLACK_DOWN: _slack_down,
    Story.CHECKED: _checked,
    Story.REPLANNED: _replanned,
    Story.OWNED: _owned,
}
