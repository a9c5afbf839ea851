"""Only our own errors cross the gateway's boundary, each with the right meaning, and every reply has an end."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

import pytest
from pypsrp.powershell import PowerShell
from pypsrp.wsman import WSMan

from core.domain.model.host_calls import MoveOrder
from core.domain.model.inventory import HostName
from core.errors import ContactLost, HostError, NotInSettings
from core.hyperv import decode, pipelines, session
from core.hyperv.connection_settings import targets_of
from tests.contracts.gateway_arena import SOURCE, WEB, granted
from tests.support.wire_harness import on_lab, settings_for


class Surprise(Exception):
    """An exception of a library nobody has heard of."""


SURPRISES: list[type[BaseException]] = [
    *(IndexError, KeyError, RuntimeError, AssertionError, MemoryError, RecursionError, OverflowError, Surprise),
    *(NotImplementedError, UnicodeDecodeError, StopIteration, EOFError, ZeroDivisionError),
]


def made(kind: type[BaseException]) -> BaseException:
    return UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no") if kind is UnicodeDecodeError else kind("surprise")


def raising_at(monkeypatch: pytest.MonkeyPatch, action: str, kind: type[BaseException]) -> Callable[[], None]:
    """Let the library raise at every request of this WS-Management action; returns what ends that.

    Receive: of the answers to a command only, for logging on receives too.
    """
    invoke, is_on, begun = WSMan.invoke, [True], list[bool]()

    def invoked(self: WSMan, asked: str, *args: Any, **kwargs: Any) -> Any:
        if is_on and asked.endswith(f"/{action}") and (begun or action != "Receive"):
            raise made(kind)
        if asked.endswith("/Command"):
            begun.append(True)
        return invoke(self, asked, *args, **kwargs)

    monkeypatch.setattr(WSMan, "invoke", invoked)
    return is_on.clear


@pytest.mark.parametrize("action", ["Create", "Command", "Receive"])
async def test_whatever_a_library_raises_becomes_one_of_our_errors(
    monkeypatch: pytest.MonkeyPatch, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    """While logging on nothing was done; once the order was sent contact is lost; the next call goes well."""
    async with on_lab() as (arena, lab):
        order = MoveOrder(WEB, "nobody.contoso.com", "D:\\VMs\\web")
        for kind in SURPRISES:
            with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
                end = raising_at(patched, action, kind)
                with pytest.raises(HostError) as ended:
                    await asyncio.wait_for(arena.gateway.move(SOURCE, order, lambda _: None, granted), 60)
                assert isinstance(ended.value, ContactLost) is (action != "Create"), (kind, ended.value)
                end()
            lab.world.trouble.clear()
        assert (await arena.gateway.observe(SOURCE)).vm(WEB) is not None


@pytest.mark.parametrize("kind", [IndexError, Surprise, RuntimeError])
async def test_a_bug_in_reading_a_reply_is_no_exception_of_its_own(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """What breaks after the library is caught at the boundary, and logged with its place."""

    def broken(*_: Any) -> Any:
        raise kind("surprise")

    async with on_lab() as (arena, _):
        with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
            patched.setattr(decode, "read_facts", broken)
            with pytest.raises(ContactLost, match="The bot broke while it spoke to"):
                await arena.gateway.observe(SOURCE)
        assert "in broken" in caplog.text
        await arena.gateway.observe(SOURCE)


async def test_a_host_that_left_the_settings_is_a_host_that_cannot_be_reached() -> None:
    """A name out of the database that the settings have no more is a HostError, not a mistake of who types."""
    async with on_lab() as (arena, _):
        with pytest.raises(NotInSettings, match="HV99"):
            await arena.gateway.observe(HostName("HV99"))


@pytest.mark.parametrize("words", ["more than 50 objects", "did not come to the end"])
async def test_a_reply_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """A list that grows for ever: the thread leaves it, by its length or by the clock, and is free."""
    ticks = itertools.count()
    async with on_lab() as (_, lab):
        target = targets_of(settings_for(lab))[SOURCE]
        line = session.Session(target, clock=lambda: float(next(ticks)))
        if words.startswith("more"):
            monkeypatch.setattr(session, "_MOST_OBJECTS", 50)

        def read() -> None:
            line.open()
            with monkeypatch.context() as patched:
                patched.setattr(PowerShell, "poll_invoke", lambda shell: shell.output.append(None))
                with pytest.raises(ContactLost, match=words):
                    line.run(pipelines.VMS, timeout_s=100)
            assert not line.is_open, "what is left in the middle is never used again"
            line.open()
            assert line.run(pipelines.VMS, timeout_s=10_000).values
            line.close()

        await asyncio.to_thread(read)
