"""The main job through the public doors: a slash command in, messages out, real sockets all the way."""

from functools import partial
from pathlib import Path

from lab.hyperv.world.fleet import Adapter
from lab.slack.people.person import Person
from tests.support.engine_harness import numbered, vm, vm_id
from tests.support.full_system import CHANNEL, fleet, town


async def test_a_command_becomes_a_card_an_approval_and_a_move(tmp_path: Path) -> None:
    """Ask, approve, move, verify, clean up, tell: on real Slack and WinRM protocols."""
    lonely = vm(9, "print01", adapters=(Adapter(switch="Printers"),))
    async with town(tmp_path, fleet(*numbered(3, gb=4), lonely)) as place:
        card = await place.proposed("/migrate web*,print01 from HV01 to HV02 path D:\\VMs")
        text = place.transcript()
        assert "print01" in text
        assert "Printers" in text
        mallory = await place.person("mallory").click(card, "migrate_approve")
        assert not mallory.error
        await place.person("bob").click(card, "migrate_approve")
        await place.says("is over")
        world = place.here.hosts.world
        assert {world.where_is(vm_id(n)) for n in (1, 2, 3)} == {"HV02"}
        assert world.where_is(vm_id(9)) == "HV01"
        assert world.ledger.violations == []
        assert len(world.ledger.starts) == 3
        assert place.said_twice() == []
        assert [call.error for call in place.here.slack.call_log.violations] == []
        assert place.here.slack.call_log.failures == []


async def test_who_asked_cannot_approve(tmp_path: Path) -> None:
    """Promise 6, through the button: alice is told privately, and nothing starts."""
    async with town(tmp_path, fleet(*numbered(1)), access={"approvers": ["U0ALICE", "U0BOB"]}) as place:
        card = await place.proposed("/migrate web01 from HV01 to HV02")
        await place.person("alice").click(card, "migrate_approve")
        await place.wait_for(lambda: "somebody else has to approve" in place.person("alice").reads(CHANNEL))
        assert place.here.hosts.world.ledger.starts == []


async def test_reject_asks_for_a_reason_and_shows_it(tmp_path: Path) -> None:
    """The reason stands on the card, the buttons are gone."""
    async with town(tmp_path, fleet(*numbered(1))) as place:
        card = await place.proposed("/migrate web01 from HV01 to HV02")
        bob = place.person("bob")
        await bob.click(card, "migrate_reject")
        view = await place.wait_for(lambda: bob.view)
        field = next(block["block_id"] for block in view.definition["blocks"] if block["type"] == "input")
        await bob.submit({field: "not during office hours"})
        await place.wait_for(lambda: "not during office hours" in place.transcript())
        await place.wait_for(lambda: "migrate_approve" not in str(card.blocks))


async def test_bad_input_is_answered_privately(tmp_path: Path) -> None:
    """Promise 12, as people type it: one sentence, only to them, and no card."""
    async with town(tmp_path, fleet(*numbered(1))) as place:
        alice = place.person("alice")
        for command, words in (
            ("/migrate web99 from HV01 to HV02", "web99 is not on HV01"),
            ("/migrate web01 from HV01", "to"),
            ("/migrate web01 from HV77 to HV02", "no host called HV77"),
            ("/migrate frobnicate", "From which host"),
            ("/migrate status J9", "no job J9"),
        ):
            outcome = await alice.slash(CHANNEL, command)
            assert not outcome.error, command
            await place.wait_for(partial(_reads, alice, words))
        assert place.card() is None
        assert "web99" not in place.person("bob").reads(CHANNEL)


async def test_status_jobs_hosts_and_help_answer(tmp_path: Path) -> None:
    """Every sub-command answers the person who asks, privately."""
    async with town(tmp_path, fleet(*numbered(1))) as place:
        await place.proposed("/migrate web01 from HV01 to HV02")
        alice = place.person("alice")
        for command, words in (
            ("/migrate jobs", "J1"),
            ("/migrate status J1", "web01"),
            ("/migrate hosts", "HV02"),
            ("/migrate help", "/migrate"),
            ("/migrate cancel J1", "withdrawn"),
        ):
            before = len(alice.sees(CHANNEL))
            await alice.slash(CHANNEL, command)
            await place.wait_for(partial(_sees_after, alice, before, words))


def _reads(person: Person, words: str) -> bool:
    return words in person.reads(CHANNEL)


def _sees_after(person: Person, before: int, words: str) -> bool:
    return words in str([(message.text, message.blocks) for message in person.sees(CHANNEL)[before:]])
