"""What must be said is said, in order, whatever Slack does in between; what cannot be said stops nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice
from core.domain.model.job import Card
from core.domain.model.views import JobView
from core.errors import NotifierDown, NotifierRefused, NotifierUnauthorized
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Listener, Stage, hosts, numbered, play
from tests.support.event_facts import facts


class Unclear(NotifierDown):
    """Slack answers one message with a failure of its own."""

    about_message = True


@dataclass
class Refusing(Listener):
    """A listener that refuses what it is told to refuse."""

    refuses: Callable[[Notice], Exception | None] = lambda _: None
    refuses_view: Callable[[JobView], Exception | None] = lambda _: None
    tries: int = 0

    async def tell(self, notice: Notice) -> Card | None:
        error = self.refuses(notice)
        if error is not None:
            self.tries += 1
            raise error
        return await super().tell(notice)

    async def show(self, view: JobView) -> None:
        error = self.refuses_view(view)
        if error is not None:
            self.tries += 1
            raise error
        await super().show(view)


def staged(tmp_path: Path, script: Callable[[Stage, Refusing], Awaitable[None]], vms: int = 1) -> Refusing:
    listener = Refusing()

    async def main(stage: Stage) -> None:
        stage.listener = listener
        await script(stage, listener)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(vms))), main)
    return listener


def kinds(listener: Listener) -> list[EventKind]:
    return [one.kind for one in listener.events]


def test_a_revoked_token_costs_no_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """For hours nothing is taken; then all of it is said in order, by the next process too. The log says it once."""

    async def script(stage: Stage, listener: Refusing) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await asyncio.sleep(5)
            listener.refuses = lambda _: NotifierUnauthorized("Slack refused (token_revoked).", hint="Install again.")
            await stage.finished(job.id)
            await asyncio.sleep(12 * 3600)
            delivery = await engine.queries.delivery()
            assert delivery.waiting > 1
            assert "token_revoked" in delivery.trouble
            assert "Install again." in delivery.trouble
            assert delivery.oldest is not None
            assert delivery.given_up == 0
        async with stage.running() as engine:
            await asyncio.sleep(300)
            listener.refuses = lambda _: None
            await asyncio.sleep(120)
            told = [one for one in await engine.queries.history(job.id) if one.tone]
            assert [one.id for one in listener.events] == [one.id for one in told]
            assert (await engine.queries.delivery()).waiting == 0
            assert (await engine.queries.delivery()).trouble == ""

    listener = staged(tmp_path, script)
    assert kinds(listener)[-1] is EventKind.FINISHED
    assert caplog.text.count("Slack takes nothing from me") == 2  # one each process
    assert caplog.text.count("Slack takes what I say again") == 1


@pytest.mark.parametrize(
    ("error", "is_plain_taken"), [(KeyError("count"), False), (Unclear("fatal_error"), True)], ids=["accident", "Slack"]
)
def test_one_notice_silences_neither_its_job_nor_another(
    tmp_path: Path, error: Exception, is_plain_taken: bool
) -> None:
    """After hours it is said plainly or given up, as the history says; what follows is said, and the other job too."""

    async def script(stage: Stage, listener: Refusing) -> None:
        def refuses(one: Notice) -> Exception | None:
            is_it = (one.job.id, one.event.kind) == ("J1", EventKind.APPROVED)
            return error if is_it and not (one.is_plain and is_plain_taken) else None

        listener.refuses = refuses
        async with stage.running() as engine:
            first = await stage.ask_and_approve("web01")
            second = await stage.ask_and_approve("web02")
            await stage.finished(second.id)
            assert EventKind.FINISHED in kinds(listener)
            await asyncio.sleep(8 * 3600)
            unsaid = [facts(one).what for one in await engine.queries.history(first.id) if one.kind is EventKind.UNSAID]
            assert unsaid == ([] if is_plain_taken else ["approved"])
            assert (await engine.queries.delivery()).given_up == len(unsaid)
            assert kinds(listener).count(EventKind.FINISHED) == 2

    staged(tmp_path, script, vms=2)


def test_after_a_notice_is_given_up_the_rest_follows_at_once(tmp_path: Path) -> None:
    """No tick is waited for."""

    async def script(stage: Stage, listener: Refusing) -> None:
        listener.refuses = lambda _: NotifierDown("away")
        async with stage.running():
            await stage.ask_and_approve("web01")
            await asyncio.sleep(100)
            no = NotifierRefused("no")
            listener.refuses = lambda one: no if one.event.kind is EventKind.APPROVED else None

            async def has_begun() -> bool:
                return EventKind.PROPOSED in kinds(listener)

            await stage.until(has_begun)
            await asyncio.sleep(1)
            assert EventKind.MOVING in kinds(listener)
            assert EventKind.APPROVED not in kinds(listener)

    staged(tmp_path, script)


@pytest.mark.parametrize("error", [NotifierRefused("cant_update_message"), KeyError("eta"), NotifierDown("away")])
def test_the_last_state_of_a_card_is_tried_until_it_stands(tmp_path: Path, error: Exception) -> None:
    """Refused, broken or away: the end is shown when it can be, without a restart (case 6)."""

    async def script(stage: Stage, listener: Refusing) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            listener.refuses_view = lambda view: error if view.is_over else None
            await stage.finished(job.id)
            await asyncio.sleep(3600)
            assert [view for view in listener.views if view.is_over] == []
            listener.refuses_view = lambda _: None
            await asyncio.sleep(700)
            last = listener.views[-1]
            assert last.is_over
            assert (await stage.store.job(job.id)).is_card_final

    staged(tmp_path, script)
