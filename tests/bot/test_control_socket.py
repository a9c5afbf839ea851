"""Orders of the bot's own machine: over a socket that only its user and root can open, whatever else is there."""

import asyncio
import json
import os
import socket
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from bot.control_socket import ControlSocket, give_order, may_order, own_name
from bot.handlers.machine_orders import Act, MachineOrder, ordered_by
from core.errors import BotSilent, NotAllowed

STOP = MachineOrder(act=Act.STOP)
_NOBODY = 65534


class Orders:
    """What was ordered, and by whom."""

    def __init__(self) -> None:
        self.given: list[tuple[MachineOrder, str]] = []

    async def carry_out(self, order: MachineOrder, by: str) -> str:
        if order.job == "J9":
            raise NotAllowed("There is no job J9.", hint="Look at jobs.")
        if order.job == "J8":
            raise RuntimeError("a bug")
        self.given.append((order, by))
        return "done"


async def test_an_order_arrives_with_who_gave_it_and_its_answer_comes_back(tmp_path: Path) -> None:
    """The kernel says who; the socket is private, and gone when the bot is."""
    orders, path = Orders(), tmp_path / "bot.db.control"
    control = ControlSocket(path, orders.carry_out)
    await control.start()
    cancel = MachineOrder(act=Act.CANCEL, job="J1", vm="web01")
    assert path.stat().st_mode & 0o777 == 0o600
    assert await give_order(path, cancel) == "done"
    assert orders.given == [(cancel, f"{own_name()} on {socket.gethostname().partition('.')[0]} (command line)")]
    await control.stop()
    assert not path.exists()
    assert await give_order(path, cancel) is None


async def test_a_no_is_a_sentence_and_a_bug_is_no_answer(tmp_path: Path) -> None:
    """What the bot refuses is said in its words; what breaks in it is not taken for done."""
    path = tmp_path / "bot.db.control"
    control = ControlSocket(path, Orders().carry_out)
    await control.start()
    try:
        with pytest.raises(NotAllowed, match=r"There is no job J9\. Look at jobs\."):
            await give_order(path, MachineOrder(act=Act.PAUSE, job="J9"))
        with pytest.raises(BotSilent, match="does not answer"):
            await give_order(path, MachineOrder(act=Act.PAUSE, job="J8"))
    finally:
        await control.stop()


async def test_a_bot_that_hangs_is_said_to_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the order and does not answer: nobody waits for ever, or believes that it is done."""
    monkeypatch.setattr("bot.control_socket._PATIENCE", aiohttp.ClientTimeout(total=0.2))
    path = tmp_path / "bot.db.control"
    hanging = socket.socket(socket.AF_UNIX)
    hanging.bind(str(path))
    hanging.listen()
    with pytest.raises(BotSilent) as silent:
        await give_order(path, STOP)
    hanging.close()
    assert "end that process, then give the order again" in silent.value.sentence()


async def test_what_a_dead_bot_left_is_replaced_and_what_a_later_one_put_there_stays(tmp_path: Path) -> None:
    """After ``kill -9`` the next bot takes the place; an old one that ends late does not take it away again."""
    orders, path = Orders(), tmp_path / "bot.db.control"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    assert await give_order(path, STOP) is None
    first, second = ControlSocket(path, orders.carry_out), ControlSocket(path, orders.carry_out)
    await first.start()
    await second.start()
    await first.stop()
    assert await give_order(path, STOP) == "done"
    await second.stop()


async def test_a_place_that_is_too_long_costs_only_the_orders(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The bot starts all the same and says so in its log; in a folder of that length a short way to it is used."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    control = ControlSocket(deep / "bot.db.control", Orders().carry_out)
    await control.start()
    await control.stop()
    assert "no orders can be given on this machine" in caplog.text
    assert await give_order(deep / "bot.db.control", STOP) is None
    before = Path.cwd()
    os.chdir(deep)
    try:
        near = ControlSocket(deep / "bot.db.control", Orders().carry_out)
        await near.start()
        assert await give_order(deep / "bot.db.control", STOP) == "done"
        await near.stop()
    finally:
        os.chdir(before)


@pytest.mark.parametrize(("uid", "may"), [(0, True), (991, True), (65534, False), (1000, False)])
def test_only_root_and_its_own_user_may_order(uid: int, *, may: bool) -> None:
    """Of a bot that runs as user 991."""
    assert may_order(uid, 991) is may


@pytest.mark.skipif(os.geteuid() != 0, reason="orders of another user (only root can become one)")
async def test_another_user_is_refused_on_the_kernels_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's rights let everybody in; whose connection it is, the kernel notes, and that decides."""
    orders = Orders()
    monkeypatch.chdir(tmp_path)  # the folders above are root's alone
    control = ControlSocket(tmp_path / "control", orders.carry_out)
    await control.start()
    let_everybody_in(tmp_path / "control")
    try:
        status, said = await ordered_as(_NOBODY, "control")
        assert (status, orders.given) == (HTTPStatus.FORBIDDEN, [])
        assert said == "Only root and the user the bot runs as may give orders here."
        status, said = await ordered_as(0, "control")
        assert (status, said) == (HTTPStatus.OK, "done")
    finally:
        await control.stop()
    assert [order for order, _ in orders.given] == [STOP]


def let_everybody_in(path: Path) -> None:
    path.chmod(0o666)
    path.parent.chmod(0o711)


async def ordered_as(uid: int, path: str) -> tuple[int, str]:
    """Send an order over a connection that a user of this machine makes. Returns status and answer."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    os.seteuid(uid)
    try:
        connection.connect(path)
    finally:
        os.seteuid(0)
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    body = json.dumps(asdict(STOP))
    writer.write(
        f"POST / HTTP/1.1\r\nHost: bot\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    head, answer = (await reader.read()).split(b"\r\n\r\n", 1)
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), str(json.loads(answer)["said"])


@pytest.mark.parametrize(("sudo_user", "shown"), [("alice", ", sudo by alice"), ("<!channel>", ""), ("a" * 40, "")])
def test_who_became_root_is_said_if_it_is_a_name(sudo_user: str, shown: str) -> None:
    """An environment variable is no place to smuggle markup through; only root is asked for it."""
    assert ordered_by("root", sudo_user).startswith(f"root{shown} on ")
    assert ordered_by("migrate", sudo_user).startswith("migrate on ")
