"""Keeps the Home tabs of people who looked lately up to date, within a budget of calls (views.publish is tier 4)."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.access import groups_in, may_view
from bot.messages.blocks import Block
from bot.messages.home_tab import HomeView, closed_home, home
from bot.slack.api_errors import ask
from bot.slack.identities import Identities
from bot.slack.rate_limit import CallBudget
from bot.slack.user_groups import UserGroups
from core.config import Settings
from core.domain.model.events import Notice, Tone
from core.domain.model.job import Card
from core.domain.model.views import JobView
from core.engine.engine import Engine
from core.errors import MigrateBotError, NotAllowed, NotifierBusy, NotifierDown, NotifierError
from core.ports import Clock, Notifier
from core.tasks import compute

log = logging.getLogger(__name__)


class ObservedNotifier:
    """A Notifier around another one that calls ``on_change`` after each change, and ``on_page`` when one was said."""

    def __init__(self, notifier: Notifier, *, on_page: Callable[[Notice], None]) -> None:
        self._notifier = notifier
        self._on_page = on_page
        self.on_change: Callable[[], None] = _nobody

    async def tell(self, notice: Notice) -> Card | None:
        """Say one event."""
        try:
            card = await self._notifier.tell(notice)
        finally:
            # What happened has happened, whether or not it could be said.
            self.on_change()
        if notice.event.tone is Tone.PAGE:
            self._on_page(notice)
        return card

    async def show(self, view: JobView) -> Card | None:
        """Bring the job's card up to date."""
        self.on_change()
        return await self._notifier.show(view)


def _nobody() -> None:
    pass


LOOP = "home tabs"
LATELY = timedelta(minutes=30)
REFRESH_GAP_S = 5.0
"""Changes come in bursts; a burst is one refresh."""
LOOK_EVERY_S = 60.0
"""A host that falls silent is no change of a job; somebody who looks at its Home should see it all the same."""
PUBLISHES_PER_MINUTE = 40
_AT_ONCE = 10
_VIEWERS = 50
_OPEN, _RECENT = 30, 30


class HomeTabs:
    """The Home tabs of people who looked lately, and the loop that publishes them."""

    def __init__(
        self,
        engine: Engine,
        client: AsyncWebClient,
        settings: Settings,
        clock: Clock,
        *,
        groups: UserGroups,
        people: Identities,
    ) -> None:
        self._engine = engine
        self._client = client
        self._settings = settings
        self._groups = groups
        self._people = people
        self._clock = clock
        self._budget = CallBudget(clock, PUBLISHES_PER_MINUTE, _AT_ONCE)
        self._opened: dict[str, datetime] = {}
        self._shown: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._changed = asyncio.Event()
        self._again_at_s = 0.0

    async def start(self) -> None:
        """Begin to follow changes."""
        self._engine.supervisor.start(LOOP, self.turn, wake=self._changed, first_after_s=LOOK_EVERY_S)

    async def stop(self) -> None:
        """Stop following."""
        await self._engine.supervisor.stop(LOOP)

    def wake(self) -> None:
        """Note that something changed."""
        self._changed.set()

    async def opened(self, user: str) -> None:
        """Show somebody their Home, and keep it up to date for a while. Raises NotifierError."""
        self._opened.pop(user, None)
        self._opened[user] = self._clock.steady_now()
        while len(self._opened) > _VIEWERS:
            self._forget(next(iter(self._opened)))
        self._shown.pop(user, None)
        await self._publish(user, await self._look())

    async def refresh(self) -> None:
        """Bring the Home of everybody who looked lately up to date."""
        lately = self._clock.steady_now() - LATELY
        for user in [user for user, at in self._opened.items() if at < lately]:
            self._forget(user)
        if not self._opened:
            return
        view_data = await self._look()
        for user in list(self._opened):
            try:
                await self._publish(user, view_data)
            except NotifierError as error:
                # One whose Home Slack refuses must not keep the others from theirs; the next look tries again.
                log.warning("the Home of %s is not up to date: %s", user, error.message)
                if isinstance(error, NotifierBusy | NotifierDown):
                    self.wake()

    async def turn(self) -> float:
        """Bring them up to date; changes that come in the next moment are one refresh."""
        left_s = self._again_at_s - asyncio.get_running_loop().time()
        if left_s > 0:
            await asyncio.sleep(left_s)
        self._again_at_s = asyncio.get_running_loop().time() + REFRESH_GAP_S
        try:
            await self.refresh()
        except MigrateBotError as error:
            log.warning("the Home tabs cannot be shown: %s", error.message)
        return LOOK_EVERY_S

    async def _look(self) -> HomeView:
        return HomeView(
            tuple(await self._engine.queries.open_jobs(_OPEN)),
            tuple(await self._engine.queries.jobs(_RECENT)),
            tuple(await self._engine.queries.hosts()),
            await self._engine.queries.stopped_by(),
            tuple(await self._engine.queries.links()),
        )

    async def _publish(self, user: str, view_data: HomeView) -> None:
        rules = self._settings.access
        lists = (*rules.requesters, *rules.viewers, *rules.approvers, *self._settings.slack.oncall)
        try:
            who = await self._people.admit(user)
            members = await self._groups.members(groups_in(lists))
            may = may_view(who, rules, self._settings.slack.oncall, members)
        except NotAllowed as refusal:
            view = closed_home(refusal.sentence())
        else:
            view = closed_home(may.reason)
            if may.is_allowed:
                moves = sum(len(view.moves) for view in (*view_data.open, *view_data.recent))
                view = await compute(moves, home, view_data, who, rules, members, self._settings.slack.command)
        async with self._locks.setdefault(user, asyncio.Lock()):
            if self._shown.get(user) == _digest(view):
                return
            await self._budget.turn()
            try:
                await ask(self._client.views_publish(user_id=user, view=view))
            except NotifierBusy as error:
                self._budget.block(error.retry_after_s)
                raise
            self._shown[user] = _digest(view)

    def _forget(self, user: str) -> None:
        for known in (self._opened, self._shown, self._locks):
            known.pop(user, None)


def _digest(view: Block) -> str:
    return hashlib.sha256(json.dumps(view).encode()).hexdigest()
