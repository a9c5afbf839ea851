"""A card shows the last state of its job, whenever that came."""

import asyncio
from pathlib import Path

from core.domain.model.job import Card, JobId
from core.domain.model.views import JobView
from core.engine.delivery.cards import Cards
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, play
from tests.support.view_builders import job, view


def test_a_card_that_is_posted_while_its_job_is_looked_at_is_brought_up_to_date(tmp_path: Path) -> None:
    """What changed before it stood there is shown: the hosts may have answered while Slack was taking the card."""
    views = [view(job()), view(job(card=Card("C1", "1.0")))]

    async def script(stage: Stage) -> None:
        stage.build()

        async def look(job_id: JobId) -> JobView:
            seen = views.pop(0)
            if seen.job.card is None:
                cards.wake(job_id)  # it is posted at this moment
            return seen

        cards = Cards(stage.store, stage.listener, stage.clock, look, tick_s=5.0, shown=lambda: None)
        cards.wake(job().id)
        await asyncio.sleep(60)
        await cards.stop()

    stage = play(tmp_path, Fleet(hosts=hosts(2)), script)
    assert [one.job.card for one in stage.listener.views] == [Card("C1", "1.0")]
