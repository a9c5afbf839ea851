"""The process is killed in mid-migration and started again: every VM moves once, no line is said twice."""

from pathlib import Path

import pytest

from tests.support.engine_harness import numbered, vm_id
from tests.support.full_system import fleet, town

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_bot_that_dies_in_mid_migration_goes_on(tmp_path: Path, how: str) -> None:
    """Promise 3: SIGKILL (or SIGTERM) while two VMs move; after the restart all four end once, told once."""
    async with town(tmp_path, fleet(*numbered(4, gb=30))) as place:
        card = await place.proposed("/migrate web* from HV01 to HV02 path D:\\VMs")
        await place.person("bob").click(card, "migrate_approve")
        await place.wait_for(lambda: sum("is moving" in line for line in place.thread()) >= 2)
        await getattr(place.bot, how)()
        world = place.here.hosts.world
        running = [m for m in world.migrations() if not m.is_done]
        assert len(running) == 2, "the moves go on without the bot"
        await place.bot.start()
        await place.says("is over")
        assert {world.where_is(vm_id(n)) for n in range(1, 5)} == {"HV02"}
        assert sorted(start.vm_name for start in world.ledger.starts) == ["web01", "web02", "web03", "web04"]
        assert world.ledger.violations == []
        assert place.said_twice() == []
        assert sum("is on" in line and "✅" in line for line in place.thread()) == 4
