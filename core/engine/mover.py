"""One move from its reservation to its end: look again, move, settle where the VM really is, clean up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.domain.aftermath import differences
from core.domain.cancelling import is_told
from core.domain.diagnosis import Diagnosis, diagnose
from core.domain.eta import Speeds
from core.domain.eta import seconds as seconds_of
from core.domain.fleet import HostName, HostWord, MoveOrder, MoveReport, Snapshot
from core.domain.job import Attempt, EventKind, Fault, HoldCode, Move, MoveId, MoveState, event, transit
from core.domain.outcome import Next, after_failure
from core.domain.readiness import Wait, readiness
from core.domain.slots import loads, used
from core.domain.verdict import Outcome, Verdict, judge
from core.domain.words import span
from core.engine.board import Board
from core.engine.canceller import Canceller
from core.engine.cleaner import Cleaner
from core.engine.ledger import Ledger
from core.engine.lookout import Lookout
from core.engine.tidier import FIRST_DELAY
from core.engine.vigil import Vigil
from core.errors import EndpointRefused, HostError, HostUnreachable, LoginRejected, StoreError
from core.ports import Clock, HostGateway

log = logging.getLogger(__name__)

Fresh = Callable[[HostName], Awaitable[Snapshot | None]]

CANCELLED_FIRST = Diagnosis("cancelled", Fault.CANCELLED, "", "cancelled before the host was asked")

TWICE_SEEN = 3
"""How many looks in a row must agree before a VM on both hosts, or on neither, is called lost."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a move is carried out, from the settings. ``address`` is how other hosts reach a host."""

    confirm_start: timedelta
    poll_s: float
    silence_patience: timedelta
    retry_delay: timedelta
    stuck_after: timedelta
    assumed_bytes_per_s: float
    address: Callable[[HostName], str]


@dataclass(frozen=True, slots=True)
class Hands:
    """What a mover works with."""

    gateway: HostGateway
    ledger: Ledger
    board: Board
    clock: Clock
    fresh: Fresh
    cleaner: Cleaner
    rules: Rules


class Mover:
    """The shepherd of one move's attempt."""

    def __init__(self, hands: Hands, move: Move, attempt: Attempt, attempts_allowed: int) -> None:
        self._hands = hands
        self._ledger, self._board, self._clock = hands.ledger, hands.board, hands.clock
        self._rules, self._gateway = hands.rules, hands.gateway
        self.id: MoveId = move.id
        self._move = move
        self._attempt = attempt
        self._allowed = attempts_allowed
        self._note_order(attempt.started_at)
        self._vigil = Vigil(attempt.started_at, self._rules.stuck_after)
        self._is_progressing = False
        self._stir: Callable[[], None] = lambda: None
        self._canceller = Canceller(hands.gateway, is_wanted=bool(move.cancel_by))

    async def carry_out(self) -> None:
        """Run the attempt that was reserved: a last look, the move, and what comes after."""
        lookout = Lookout(self._gateway, self._ledger.store, self._rules.address)
        look = await lookout.last_look(self._move, self._attempt)
        if isinstance(look, Diagnosis):
            await self._ended_badly(look, timedelta(seconds=self._rules.poll_s), has_started=False)
            return
        before = look.before
        await self._record(lambda m: self._ledger.store.change_move(m, replace(m, before=before)))
        if self._move.cancel_by:
            await self._ended_badly(CANCELLED_FIRST, self._rules.retry_delay, has_started=False)
            return
        report, error = await self._start(look.order)
        await self._settle(report, error)

    def ask_cancel(self) -> None:
        """Pass on that a person wants this move cancelled."""
        self._canceller.want()
        self._board.news()

    async def go_on(self) -> None:
        """Go on with a move that went on without us: settle it, or finish its clean-up."""
        if self._move.state is MoveState.CLEANING:
            await self._finish()
        elif self._move.state.holds_slots:
            self._note_order(self._clock.now())
            await self._settle(None, None)

    async def take_up_again(self) -> None:
        """Go on after an error nobody foresaw, from what is written down."""
        self._move = await self._ledger.store.move(self.id)
        await self.go_on()

    def _note_order(self, at: datetime) -> None:
        self._ordered_at, self._ordered_tick = at, asyncio.get_running_loop().time()

    def _steady_now(self) -> datetime:
        """Return the time since the order as it passed, whatever anybody did to the clock on the wall meanwhile."""
        return self._ordered_at + timedelta(seconds=asyncio.get_running_loop().time() - self._ordered_tick)

    # ------------------------------------------------------------------ the attempt

    async def _start(self, order: MoveOrder) -> tuple[MoveReport | None, HostError | None]:
        """Give the order and stay with it. No report: the connection was lost, the move may go on."""
        self._note_order(self._clock.now())
        call = asyncio.create_task(self._gateway.move(self._move.source, order, self._progress))
        try:
            with self._board.watch() as news:
                self._stir = news.set
                while not await _done(call, news, self._rules.poll_s):
                    await self._watch_over(self._seen_running())
            return call.result(), None
        except (HostUnreachable, LoginRejected, EndpointRefused) as error:
            return MoveReport((HostWord(error.message),)), error
        except HostError as error:
            log.warning("lost sight of %s: %s", self._move.vm_name, error.message)
            return None, None
        finally:
            call.cancel()

    def _progress(self, percent: int) -> None:
        if not self._is_progressing:
            self._is_progressing = True
            self._stir()
        self._board.progress(self._move.vm_id, percent)

    def _seen_running(self) -> bool:
        if self._is_progressing:
            return True
        vm_id = self._move.vm_id
        for host in (self._move.source, self._move.destination):
            snapshot = self._board.snapshots.get(host)
            if snapshot is None or snapshot.asked_at < self._attempt.started_at:
                continue
            vm, job = snapshot.vm(vm_id), snapshot.job(vm_id)
            if (vm is not None and vm.is_migrating) or (job is not None and job.is_running):
                return True
        return False

    async def _watch_over(self, is_running: bool) -> None:  # noqa: FBT001 (what was seen, not a switch)
        """Note that the host shows the move; pass on a wish to cancel it."""
        if is_running and self._move.state in {MoveState.STARTING, MoveState.VERIFYING}:
            now = self._clock.now()
            self._attempt = replace(self._attempt, confirmed_at=now)
            await self._record(
                lambda m: self._ledger.store.confirm_attempt(
                    m,
                    transit(m, MoveState.MOVING, hold=None),
                    *([event(EventKind.MOVING, now, move=m)] if m.state is MoveState.STARTING else []),
                    at=now,
                )
            )
        if is_running:
            await self._ask_if_stuck()
            await self._pass_on_cancel()

    async def _pass_on_cancel(self) -> None:
        """Ask the host to cancel if a person wants that; tell once per wish why it has no effect."""
        answer = await self._canceller.pass_on(self._move, self._steady_now())
        if answer is None:
            return
        now = self._clock.now()

        async def tell(move: Move) -> Move:
            if is_told(await self._ledger.store.events(move.job_id), move, answer.code):
                return move
            told = event(EventKind.CANCEL_UNMET, now, move=move, code=answer.code, text=answer.text, hint=answer.hint)
            return await self._ledger.store.change_move(move, move, told)

        await self._record(tell)

    async def _ask_if_stuck(self) -> None:
        """Ask people, once in a while, about a move that stands still; nothing is done without their answer."""
        percent, now = self._board.percents.get(self._move.vm_id), self._clock.now()
        if not self._vigil.stands_still(percent, now):
            return
        speeds = Speeds(await self._ledger.store.speeds(), self._rules.assumed_bytes_per_s)
        expected_s = seconds_of(self._move.size_bytes, self._move.source, self._move.destination, speeds)
        text = self._vigil.question(now, expected_s)
        if text:
            told = event(EventKind.STUCK, now, move=self._move, text=text, percent=percent)
            await self._record(lambda m: self._ledger.store.change_move(m, m, told))

    # ------------------------------------------------------------------ the truth

    async def _settle(self, report: MoveReport | None, error: HostError | None) -> None:
        """Look at both hosts until it is clear where the VM is, then act on it."""
        agreeing, silent_since = 0, self._steady_now()
        last: Outcome | None = None
        with self._board.watch() as news:
            while True:
                verdict = await self._look(report)
                agreeing = agreeing + 1 if verdict.outcome is last else 1
                last = verdict.outcome
                if verdict.outcome is not Outcome.UNKNOWN:
                    silent_since = self._steady_now()
                if verdict.outcome is Outcome.RUNNING:
                    if verdict.percent is not None:
                        self._board.progress(self._move.vm_id, verdict.percent)
                    await self._watch_over(is_running=True)
                elif verdict.outcome is Outcome.UNKNOWN:
                    if self._steady_now() - silent_since >= self._rules.silence_patience:
                        await self._lose(f"{verdict.reason}; the bot waited {span(self._rules.silence_patience)}")
                        return
                elif verdict.outcome in {Outcome.BOTH, Outcome.NEITHER}:
                    # In the switch-over both, or neither, may show for a moment.
                    if agreeing >= TWICE_SEEN:
                        await self._lose(verdict.reason)
                        return
                else:
                    await self._verified(verdict, error)
                    return
                await self._news_or_poll(news)

    async def _news_or_poll(self, news: asyncio.Event) -> None:
        """Wait for the next poll; news of others do not make this one's looks more frequent than the polls."""
        await self._clock.sleep(self._rules.poll_s)
        news.clear()

    async def _look(self, report: MoveReport | None) -> Verdict:
        source, destination = await asyncio.gather(
            self._hands.fresh(self._move.source), self._hands.fresh(self._move.destination)
        )
        return judge(
            self._attempt,
            source,
            destination,
            report=report,
            now=self._steady_now(),
            confirm_start=self._rules.confirm_start,
            ordered_at=self._ordered_at,
        )

    async def _verified(self, verdict: Verdict, error: HostError | None) -> None:
        now = self._clock.now()
        self._board.forget(self._move.vm_id)
        await self._record(
            lambda m: self._ledger.store.change_move(
                m, transit(m, MoveState.VERIFYING), event(EventKind.VERIFYING, now, move=m)
            )
        )
        if verdict.outcome is Outcome.MOVED:
            await self._moved(now)
        else:
            await self._not_moved(verdict, error)

    async def _moved(self, now: datetime) -> None:
        seconds = (now - self._attempt.started_at).total_seconds()
        await self._record(
            lambda m: self._ledger.store.end_attempt(
                m,
                transit(m, MoveState.CLEANING, attempts=m.attempts + 1, hold=None, error="", hint=""),
                event(EventKind.MOVED, now, move=m, seconds=seconds, bytes=m.size_bytes),
                at=now,
            )
        )
        self._attempt = replace(self._attempt, ended_at=now)
        if self._attempt.confirmed_at is not None and self._move.size_bytes and seconds > 1:
            try:
                await self._ledger.store.learn_speed(
                    self._move.source, self._move.destination, self._move.size_bytes / seconds
                )
            except StoreError as error:
                log.info("a speed was not learned: %s", error)
        await self._finish()

    async def _finish(self) -> None:
        """Compare the VM with what it was, remove the empty folders it left on its source, and say so."""
        changes = await self._differences()
        cleaned = await self._hands.cleaner.after_success(self._move)
        now = self._clock.now()
        seconds = ((self._attempt.ended_at or now) - self._attempt.started_at).total_seconds()
        tidy_at = now + FIRST_DELAY if cleaned.waiting else None
        await self._record(
            lambda m: self._ledger.store.change_move(
                m,
                transit(m, MoveState.DONE, ended_at=now, leftovers=cleaned.waiting, tidy_at=tidy_at),
                event(
                    EventKind.DONE,
                    now,
                    move=m,
                    seconds=seconds,
                    bytes=m.size_bytes,
                    attempts=m.attempts,
                    removed=cleaned.removed,
                    kept=cleaned.kept + [[path, f"{m.source} does not answer; later"] for path in cleaned.waiting],
                    differences=list(changes),
                ),
            )
        )

    async def _differences(self) -> tuple[str, ...]:
        if self._move.before is None:
            return ()
        try:
            inspection = await self._gateway.inspect(self._move.destination, [self._move.vm_id])
        except HostError as error:
            return (f"it could not be compared with what it was: {error.message}",)
        after = inspection.of(self._move.vm_id)
        return differences(self._move.before, after) if after else ()

    # ------------------------------------------------------------------ other ends

    async def _not_moved(self, verdict: Verdict, error: HostError | None) -> None:
        await self._ended_badly(self._diagnose(verdict, error), self._rules.retry_delay)

    async def _ended_badly(self, diagnosis: Diagnosis, retry_delay: timedelta, *, has_started: bool = True) -> None:
        now = self._clock.now()

        def end(move: Move) -> Awaitable[Move]:
            then = after_failure(
                move,
                diagnosis,
                now=now,
                tries=self._attempt.number,
                allowed=self._allowed,
                retry_delay=retry_delay,
                has_started=has_started,
            )
            return self._end(move, then, diagnosis, now)

        await self._record(end)
        if self._move.state.is_end:
            await self._tidy_destination()

    async def _tidy_destination(self) -> None:
        """Remove what the failed move left in the folder that was made for this VM alone, if it is empty."""
        cleaned = await self._hands.cleaner.after_failure(self._move)
        if cleaned.removed:
            host, now = self._move.destination, self._clock.now()
            told = event(EventKind.TIDIED, now, move=self._move, host=host, removed=cleaned.removed, kept=cleaned.kept)
            await self._record(lambda m: self._ledger.store.change_move(m, m, told))

    def _end(self, move: Move, then: Next, diagnosis: Diagnosis, now: datetime) -> Awaitable[Move]:
        ended_at = now if then.state.is_end else None
        after = transit(
            move,
            then.state,
            attempts=then.attempts,
            not_before=then.not_before,
            error=diagnosis.words,
            hint=diagnosis.hint,
            hold=None,
            ended_at=ended_at,
        )
        return self._ledger.store.end_attempt(
            move,
            after,
            event(then.event, now, move=move, where=move.source, **then.data),
            at=now,
            fault=diagnosis.fault,
            host_words=diagnosis.words,
        )

    def _diagnose(self, verdict: Verdict, error: HostError | None) -> Diagnosis:
        if verdict.outcome is Outcome.NEVER_STARTED or isinstance(error, HostUnreachable | LoginRejected):
            said = error.message if error else verdict.reason
            return Diagnosis("never-started", Fault.NEVER_STARTED, said, said)
        if error is not None:
            fault = Fault.PASSING if error.retry else Fault.OPERATOR
            return Diagnosis(type(error).__name__, fault, error.hint, error.message)
        words = verdict.words or (HostWord(verdict.reason),)
        state = readiness(verdict.vm) if verdict.vm else None
        is_backing_up = isinstance(state, Wait) and state.code is HoldCode.BACKUP
        return diagnose(words, is_backing_up=is_backing_up, is_host_full=self._is_a_host_full())

    def _is_a_host_full(self) -> bool:
        snapshots = (self._board.snapshots.get(host) for host in (self._move.source, self._move.destination))
        return any(used(load, ()) >= load.limit for snapshot in snapshots if snapshot for load in loads(snapshot))

    async def _lose(self, reason: str) -> None:
        now = self._clock.now()
        hint = "Look at both hosts before anybody starts this VM; the bot touches nothing more."
        await self._record(
            lambda m: self._ledger.store.change_move(
                m, transit(m, MoveState.VERIFYING), event(EventKind.VERIFYING, now, move=m)
            )
        )
        await self._record(
            lambda m: self._ledger.store.end_attempt(
                m,
                transit(m, MoveState.LOST, attempts=m.attempts + 1, error=reason, hint=hint, ended_at=now, hold=None),
                event(EventKind.LOST, now, move=m, text=reason, hint=hint),
                at=now,
                fault=Fault.UNKNOWN,
                host_words=reason,
            )
        )

    async def _record(self, step: Callable[[Move], Awaitable[Move]]) -> Move:
        self._move = await self._ledger.record(self.id, step)
        return self._move


async def _done(call: asyncio.Task[MoveReport], news: asyncio.Event, poll_s: float) -> bool:
    """Wait for the command's end, for news, or for a while. Returns whether the command has ended."""
    waker = asyncio.create_task(news.wait())
    try:
        await asyncio.wait({call, waker}, timeout=poll_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waker.cancel()
    news.clear()
    return call.done()
