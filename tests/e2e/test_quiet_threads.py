"""Fifty VMs on twenty hosts, through the public doors: a quiet thread, and every VM to be found."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.slack.people.person import Person
from tests.support.bot_harness import read
from tests.support.engine_harness import vm, vm_id
from tests.support.full_system import CHANNEL, Town, fleet, town

SOURCES = ",".join(f"HV{number:02d}" for number in range(1, 11))
DESTINATIONS = ",".join(f"HV{number:02d}" for number in range(11, 21))
NAMES = [f"web{number:02d}" for number in range(1, 51)]
BROKEN = NAMES[6]
LINES = 30


async def over(place: Town) -> None:
    """Wait for the end, as long as anything goes on: fifty moves take a loaded machine minutes."""
    while not any("is over" in line for line in place.thread()):
        await place.wait_for(partial(_goes_on, place, place.transcript()))


def _goes_on(place: Town, before: str) -> bool:
    return place.transcript() != before


async def listed(place: Town, card: Any) -> str:
    """Every page of the form behind Show all."""
    carol = place.person("carol")
    await carol.click(card, "migrate_all")
    first = str((await place.wait_for(lambda: carol.view)).definition)
    pages = [first]
    while "migrate_all_next" in pages[-1]:
        await carol.press("migrate_all_next")
        pages.append(str(await place.wait_for(partial(_other, carol, pages[-1]))))
    return "\n".join(pages)


def _other(person: Person, before: str) -> str:
    now = str(person.view.definition) if person.view else ""
    return now if now != before else ""


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_fifty_vms_on_twenty_hosts_end_in_thirty_lines(tmp_path: Path) -> None:
    """At most thirty lines, every VM in thread, Show all and history; what failed is a page of its own."""
    vms = [vm(number, name, f"HV{number % 10 + 1:02d}", gb=2) for number, name in enumerate(NAMES, 1)]
    async with town(tmp_path, fleet(*vms, count=20), migration={"max_attempts": 1}) as place:
        place.here.hosts.world.order(MoveFault(vm=vm_id(7), kind=MoveFaultKind.FAIL, at_percent=40))
        card = await place.proposed(f"/migrate all from {SOURCES} to {DESTINATIONS} path D:\\VMs")
        await place.person("bob").click(card, "migrate_approve")
        await over(place)
        thread = place.thread()
        assert len(thread) <= LINES, "\n".join(thread)
        (page,) = [line for line in thread if "<!subteam^S0ONCALL>" in line]
        assert f"`{BROKEN}`" in page
        assert sum(f"`{name}`" in page for name in NAMES) == 1
        for name in set(NAMES) - {BROKEN}:
            assert sum(f"✅ `{name}` is on" in line for line in thread) == 1, name
            # Whoever arrived before anybody looked, as on a busy machine, is not said to be moving.
            assert sum(f"🚚 `{name}` is moving" in line for line in thread) <= 1, name
        assert f"`{BROKEN}`" in read(card)
        everything = await listed(place, card)
        assert [name for name in NAMES if f"`{name}`" not in everything] == []
        await place.person("carol").slash(CHANNEL, "/migrate history J1")
        told = await place.wait_for(lambda: _history(place))
        assert [name for name in NAMES if f"`{name}`" not in told] == []
        assert place.said_twice() == []
        assert place.here.slack.call_log.violations == []
        assert place.here.hosts.world.ledger.violations == []


def _history(place: Town) -> str:
    return next((read(m) for m in place.person("carol").sees(CHANNEL) if "History of J1" in m.text), "")
