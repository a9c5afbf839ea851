"""What the gateway over WinRM promises beyond the port: logins, sessions, endpoints, and what it never does twice."""

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest
from pypsrp.wsman import WSMan

from core.domain.model.host_calls import FolderFate
from core.domain.model.inventory import HostName
from core.errors import ContactLost, HostUnreachable, NotInSettings
from core.hyperv import gateway, session
from lab.hyperv.remoting.shells import Quotas
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, WireFault, WireFaultKind
from lab.hyperv.world.fleet import Language
from tests.contracts.gateway_arena import DESTINATION, SOURCE, SPARE, TWIN, WEB, granted
from tests.support.wire_harness import EMPTY, changed, on_lab


@pytest.fixture
def requests_sent(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what goes over the wire, by WS-Management action."""
    counts: Counter[str] = Counter()
    invoke = WSMan.invoke

    def counted(self: WSMan, action: str, *args: Any, **kwargs: Any) -> Any:
        counts[action.rpartition("/")[2]] += 1
        return invoke(self, action, *args, **kwargs)

    monkeypatch.setattr(WSMan, "invoke", counted)
    return counts


async def test_a_forgotten_session_is_replaced() -> None:
    """A session the host has forgotten is replaced at once, for reads and for what is done once only."""
    async with on_lab(sessions=1) as (arena, lab):
        await arena.gateway.observe(SOURCE)
        for work in (
            lambda: arena.gateway.observe(SOURCE),
            lambda: arena.gateway.remove_empty_folder(SOURCE, EMPTY),
            lambda: arena.gateway.cancel(SOURCE, WEB),
        ):
            shells = lab.shells(SOURCE)
            for shell in list(shells):
                shells.remove(shell)
            await work()
        assert arena.world.entry(SOURCE, EMPTY) is None


async def test_sessions_are_given_back() -> None:
    """After closing no session is left on any host; that of a move that ended waits for the next until then."""
    async with on_lab() as (arena, lab):
        await asyncio.gather(*(arena.gateway.observe(host) for host in (SOURCE, DESTINATION) for _ in range(4)))
        assert len(lab.shells(SOURCE)) == 2
        move = await arena.start()
        assert len(lab.shells(SOURCE)) == 3
        await arena.play_out()
        await move
        assert len(lab.shells(SOURCE)) == 3
        await arena.gateway.close()
        assert (len(lab.shells(SOURCE)), len(lab.shells(DESTINATION))) == (0, 0)
        with pytest.raises(HostUnreachable, match="closed"):
            await arena.gateway.observe(SOURCE)


async def test_the_next_move_finds_a_session_that_is_logged_on(requests_sent: Counter[str]) -> None:
    """Promise: neither a logon nor the load of the module stands between a free slot and the next order."""
    async with on_lab() as (arena, lab):
        await arena.gateway.expect_moves({SOURCE: 1})
        await arena.until(lambda: any(shell.has_module for shell in lab.shells(SOURCE)))
        assert requests_sent["Create"] == 1
        for vm_id in (WEB, SPARE):
            move = await arena.start(vm_id)
            await arena.play_out()
            assert (await move).errors == ()  # type: ignore[attr-defined]
        assert requests_sent["Create"] == 1
        assert len(lab.shells(SOURCE)) == 1


async def test_a_full_host_has_no_session_that_waits() -> None:
    """Where the account may have no further session, a look at the host does not fail for one that waits."""
    async with on_lab(quotas=Quotas(shells_per_user=2), sessions=2) as (arena, lab):
        await arena.gateway.expect_moves({SOURCE: 2})
        await arena.until(lambda: sum(shell.has_module for shell in lab.shells(SOURCE)) == 2)
        with pytest.raises(HostUnreachable, match="no further session"):
            await arena.gateway.cancel(SOURCE, WEB)
        await arena.until(lambda: not len(lab.shells(SOURCE)))
        assert (await arena.gateway.observe(SOURCE)).vms


async def test_a_kept_session_that_winrm_forgot_costs_no_move() -> None:
    """A restart of the service between two moves is not heard of: the order was not taken, and goes out anew."""
    async with on_lab() as (arena, lab):
        move = await arena.start(WEB)
        await arena.play_out()
        await move
        await lab.restart_winrm(SOURCE)
        again = await arena.start(SPARE)
        await arena.play_out()
        assert (await again).errors == ()  # type: ignore[attr-defined]
        assert len(arena.world.ledger.starts) == 2


@pytest.mark.parametrize("operation", ["Create", "Command", "Receive"])
async def test_broken_sessions_do_not_use_up_what_the_host_allows(operation: str) -> None:
    """A session whose connection broke is deleted by the next one: a bad line does not fill the host with them."""
    async with on_lab(quotas=Quotas(shells_per_user=4), sessions=1) as (arena, lab):
        arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.DROP, operation=operation))
        for _ in range(4):
            with pytest.raises((ContactLost, HostUnreachable)) as broken:
                await arena.gateway.cancel(SOURCE, WEB)
            assert "no further session" not in str(broken.value)
        arena.world.trouble.clear()
        assert (await arena.gateway.observe(SOURCE)).vms
        assert sum(shell.idle_timeout_s == 900 for shell in lab.shells(SOURCE)) == 1  # those of moves have two hours


async def test_a_host_that_is_not_in_the_settings_is_a_hosts_error() -> None:
    """A move may name a host that was taken out: whoever asks about it hears so, and nothing else breaks."""
    async with on_lab() as (arena, _):
        for call in (
            arena.gateway.observe(HostName("HV99")),
            arena.gateway.inspect(HostName("HV99"), []),
            arena.gateway.remove_empty_folder(HostName("HV99"), EMPTY),
        ):
            with pytest.raises(NotInSettings, match="HV99"):
                await call


async def test_a_move_that_was_left_during_its_login_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked has gone by the time the host has let the thread in: the order is not sent after all."""
    is_logging_on, goes_on = threading.Event(), threading.Event()
    real = session.Session.open

    def slow(self: session.Session) -> None:
        if threading.current_thread().name.startswith("move "):
            is_logging_on.set()
            goes_on.wait(60)
        real(self)

    monkeypatch.setattr(session.Session, "open", slow)
    # No session waits for another move: the thread ends once it has done, or not done, what it was asked.
    async with on_lab(spare_sessions=0) as (arena, _):
        move = asyncio.create_task(arena.gateway.move(SOURCE, arena.order(), lambda _percent: None, granted))
        await asyncio.to_thread(is_logging_on.wait, 60)
        move.cancel()
        await asyncio.gather(move, return_exceptions=True)
        threads = [thread for thread in threading.enumerate() if thread.name == f"move {SOURCE}"]
        goes_on.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 60)
        assert [thread.is_alive() for thread in threads] == [False]
        assert arena.world.ledger.starts == []


async def test_a_left_move_keeps_its_session_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent for a move nobody waits for any more: neither a stop nor the deletion of its session."""
    monkeypatch.setattr(gateway, "_HOLD_S", 1)
    async with on_lab() as (arena, lab):
        await arena.start()
        await arena.gateway.close()
        assert not [thread for thread in threading.enumerate() if thread.name == f"move {SOURCE}"]
        assert [len(shell.commands) for shell in lab.shells(SOURCE)] == [1]
        await arena.play_out()
        assert arena.world.vm(DESTINATION, WEB) is not None


async def test_a_silent_move_is_waited_for(monkeypatch: pytest.MonkeyPatch, requests_sent: Counter[str]) -> None:
    """A move that says nothing for several Receives is no lost contact."""
    monkeypatch.setattr(gateway, "_HOLD_S", 1)
    async with on_lab() as (arena, lab):
        arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.SLOW, operation="Receive", delay_s=0.3, times=2))
        lab.pace.speed = 1e-6  # as good as no progress
        move = await arena.start()
        before = requests_sent["Receive"]
        await arena.until(lambda: requests_sent["Receive"] >= before + 3)
        assert not move.done()
        lab.pace.speed = 1.0
        await arena.play_out()
        assert (await move).errors == ()  # type: ignore[attr-defined]


async def test_a_move_that_was_sent_is_contact_lost() -> None:
    """When the answer to the command itself is lost, nobody knows whether it runs."""
    async with on_lab() as (arena, _):
        arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.DROP, operation="Command", times=1))
        with pytest.raises(ContactLost):
            await arena.gateway.move(SOURCE, arena.order(), lambda _percent: None, granted)
        await arena.play_out()
        assert len(arena.world.migrations()) <= 1


@pytest.mark.parametrize("operation", ["Command", "Receive"])
async def test_what_changes_something_is_never_repeated(operation: str, requests_sent: Counter[str]) -> None:
    """A removal or a cancel whose answer was lost is not sent again."""
    async with on_lab(sessions=1) as (arena, _):
        await arena.gateway.remove_empty_folder(SOURCE, "D:\\VMs\\nowhere")
        for work in (
            lambda: arena.gateway.remove_empty_folder(SOURCE, EMPTY),
            lambda: arena.gateway.cancel(SOURCE, WEB),
        ):
            await arena.gateway.cancel(SOURCE, WEB)  # a warm session that knows the functions
            before = requests_sent["Command"]
            arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.DROP, operation=operation, times=1))
            with pytest.raises(ContactLost):
                await work()
            assert requests_sent["Command"] == before + 1


async def test_a_top_folder_is_not_even_asked_for(requests_sent: Counter[str]) -> None:
    """The bot and the host's function both know what is never removed: the host is not asked."""
    async with on_lab() as (arena, _):
        for path in ("D:\\", "D:\\top", "D:top\\below", "\\\\server\\share\\a\\b", "\\a\\b", "D:\\a\\..\\b", ""):
            receipt = await arena.gateway.remove_empty_folder(SOURCE, path)
            assert receipt.fate is FolderFate.KEPT
            assert receipt.reason
    assert requests_sent.total() == 0


async def test_a_session_is_taught_once(requests_sent: Counter[str]) -> None:
    """The functions are defined when first needed, once per session."""
    async with on_lab(sessions=1) as (arena, _):
        await arena.gateway.remove_empty_folder(SOURCE, "D:\\VMs\\nowhere")
        assert requests_sent["Command"] == 2
        await arena.gateway.cancel(SOURCE, WEB)
        assert requests_sent["Command"] == 3


async def test_a_read_is_asked_once_more() -> None:
    """One broken connection is not worth a word; the read is asked again."""
    async with on_lab() as (arena, _):
        arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.DROP, operation="Receive", times=1))
        assert (await arena.gateway.observe(SOURCE)).vms


async def test_a_host_that_failed_often_is_not_asked_for_a_while(requests_sent: Counter[str]) -> None:
    """After three failures in a row the answer comes at once, without a request."""
    async with on_lab() as (arena, _):
        arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.REFUSE))
        for _ in range(3):
            with pytest.raises(HostUnreachable):
                await arena.gateway.observe(SOURCE)
        before = requests_sent.total()
        with pytest.raises(HostUnreachable, match="3 times in a row"):
            await arena.gateway.observe(SOURCE)
        assert requests_sent.total() == before
        assert (await arena.gateway.observe(DESTINATION)).host == DESTINATION


async def test_a_full_host_says_so() -> None:
    """A host that allows no further session is told from one that is down."""
    async with on_lab(quotas=Quotas(shells_per_user=1), sessions=1) as (arena, _):
        await arena.gateway.observe(SOURCE)
        with pytest.raises(HostUnreachable, match="no further session") as caught:
            await arena.gateway.move(SOURCE, arena.order(), lambda _percent: None, granted)
        assert "MaxShellsPerUser" in caught.value.hint
        assert arena.world.migrations() == ()


async def test_a_refusal_over_the_limit_is_reported() -> None:
    """A third move at once is started if asked for, and the host's refusal is in the report."""
    async with on_lab() as (arena, _):
        for vm_id in (WEB, SPARE):
            await arena.start(vm_id)
        report = await arena.gateway.move(SOURCE, arena.order(TWIN), lambda _percent: None, granted)
        assert "limit" in report.errors[0].text
        snapshot = await arena.gateway.observe(SOURCE)
        assert (snapshot.facts.live_active, snapshot.facts.storage_active) == (2, 2)
        await arena.play_out()


async def test_another_language_changes_texts_only() -> None:
    """On a German host states, operations and misses are understood all the same."""
    async with on_lab(changed(language=Language.GERMAN)) as (arena, _):
        move = await arena.start()
        await arena.pass_time(5)
        web = (await arena.gateway.observe(SOURCE)).vm(WEB)
        assert web is not None
        assert web.is_migrating
        await arena.play_out()
        await move
        assert await arena.gateway.find(SOURCE, WEB) is None
        assert await arena.gateway.list_folder(SOURCE, "D:\\nowhere") is None


async def test_says_done_though_told_it_failed() -> None:
    """The report is what the host said, even where it is wrong: finding the truth is not the gateway's part."""
    async with on_lab() as (arena, _):
        arena.world.order(MoveFault(vm=WEB, kind=MoveFaultKind.SAYS_FAILED))
        move = await arena.start()
        await arena.play_out()
        assert (await move).errors  # type: ignore[attr-defined]
        assert await arena.gateway.find(DESTINATION, WEB) is not None


@pytest.mark.parametrize("only", [None, WEB])
async def test_the_number_of_requests_does_not_depend_on_the_vms(only: Any, requests_sent: Counter[str]) -> None:
    """An inspection takes twenty-four pipelines, whatever the host has, and one for each link of the longest chain."""
    async with on_lab() as (arena, _):
        await arena.gateway.inspect(SOURCE, None if only is None else [only])
    assert requests_sent["Command"] == 24


async def test_threads_for_moves_are_bounded() -> None:
    """A caller gone wild gets no more connections than the host's limit and a margin."""
    async with on_lab() as (arena, _):
        await arena.gateway.observe(SOURCE)
        moves = [
            asyncio.create_task(arena.gateway.move(SOURCE, arena.order(), lambda _p: None, granted)) for _ in range(5)
        ]
        done, _running = await asyncio.wait(moves, return_when=asyncio.FIRST_COMPLETED)
        assert any("nothing was started" in str(task.exception()) for task in done if task.exception())
        await arena.until(lambda: bool(arena.world.migrations()))
        await arena.play_out()
        await asyncio.gather(*moves, return_exceptions=True)


@pytest.mark.parametrize(
    ("fields", "subject", "hint"),
    [
        ({"migration_enabled": False}, "HV01: live migration", "Enable-VMMigration"),
        ({"live_limit": 0}, "HV01: limits", "Set-VMHost"),
        ({"listener_on": False}, "HV01: listener", "Set-VMMigrationNetwork"),
    ],
)
async def test_a_check_names_the_trouble(fields: dict[str, Any], subject: str, hint: str) -> None:
    """Each thing out of order is one line with what to do."""
    async with on_lab(changed(**fields)) as (arena, _):
        lines = await arena.gateway.check(SOURCE, [DESTINATION])
    bad = {line.subject: line.hint for line in lines if not line.ok}
    assert hint in bad[subject]


async def test_a_check_looks_at_both_hops() -> None:
    """A login that cannot go on to the peer is found before a move finds it."""
    async with on_lab(auth="ntlm") as (arena, _):
        lines = await arena.gateway.check(SOURCE, [DESTINATION])
    bad = {line.subject: line.hint for line in lines if not line.ok}
    assert set(bad) == {"HV01: migration authentication", "HV01 to HV02: WinRM"}
    assert all("credssp" in hint for hint in bad.values())


async def test_a_check_of_a_dead_host_is_one_line() -> None:
    """A host that does not answer is one line, not an exception."""
    async with on_lab() as (arena, _):
        arena.world.order(WireFault(host=SOURCE, kind=WireFaultKind.REFUSE))
        (line,) = await arena.gateway.check(SOURCE, [DESTINATION])
    assert (line.subject, line.ok) == ("HV01: login", False)
