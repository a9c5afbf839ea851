"""Rejected logins outlive the process, so that a bot that is started again and again locks no account."""

import stat
from pathlib import Path

import pytest

from core.domain.model.inventory import HostName
from core.errors import HostUnreachable, LoginRejected
from core.hyperv.lockout_guard import FIRST_PAUSE_S, LONGEST_PAUSE_S, LockoutGuard
from core.hyperv.login_memory import Account, LoginMemory

ONE, TWO, THREE = HostName("HV01"), HostName("HV02"), HostName("HV03")
HOSTS = (ONE, TWO, THREE)
SVC = Account("CONTOSO\\svc", "old password")


class Clocks:
    """The time on the wall, which goes on between two processes, and each process's own, which begins anew."""

    wall = 1_790_000_000.0
    steady = 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "migrate-bot.db.logins"


def started(file: Path, clocks: Clocks, account: Account = SVC) -> LockoutGuard:
    """Do what a process does that starts."""
    clocks.steady = 50.0
    return LockoutGuard(
        clock=lambda: clocks.steady, account=account, memory=LoginMemory(file, clock=lambda: clocks.wall)
    )


def tries(guard: LockoutGuard, *hosts: HostName, error: Exception | None = None) -> int:
    """Log on to each; return how many hosts saw the password."""
    seen = 0
    for host in hosts:
        try:
            with guard.login(host):
                seen += 1
                raise error or LoginRejected(host, f"{host} rejects the login of svc: wrong password.")
        except (LoginRejected, HostUnreachable, _AcceptedError):
            pass
    return seen


class _AcceptedError(Exception):
    pass


def accepted(guard: LockoutGuard, host: HostName) -> bool:
    try:
        with guard.login(host):
            return True
    except LoginRejected:
        return False


def test_a_restart_loop_locks_no_account(file: Path, clocks: Clocks) -> None:
    """Started anew every ten seconds for three hours: no quarter of an hour sees more than four wrong passwords."""
    seen: list[float] = []
    for _ in range(3 * 360):
        seen += [clocks.wall] * tries(started(file, clocks), *HOSTS)
        clocks.pass_by(10)
    assert max(sum(1 for other in seen if 0 <= other - at < 900) for at in seen) <= 4
    assert len(seen) < 3 * 3600 / LONGEST_PAUSE_S + 6


def test_another_password_is_tried_at_once(file: Path, clocks: Clocks) -> None:
    """A new password, another name or another keytab is another account; the old one stays barred."""
    assert tries(started(file, clocks), *HOSTS) == 2
    assert not accepted(started(file, clocks), ONE)
    assert accepted(started(file, clocks, Account("CONTOSO\\svc", "new password")), ONE)
    assert accepted(started(file, clocks, Account("CONTOSO\\other", "old password")), ONE)
    keytab = file.with_suffix(".keytab")
    keytab.write_bytes(b"keys")
    assert accepted(started(file, clocks, Account("CONTOSO\\svc", "old password", keytab)), ONE)
    assert not accepted(started(file, clocks), ONE)


def test_a_login_that_is_accepted_again_is_forgotten(file: Path, clocks: Clocks) -> None:
    """After the pause one host accepts it: nothing is left on disk but what bars the host that rejected it."""
    assert tries(started(file, clocks), ONE, TWO) == 2
    clocks.pass_by(2 * FIRST_PAUSE_S + 1)
    guard = started(file, clocks)
    assert all(accepted(guard, host) for host in HOSTS)
    assert not file.exists()
    assert all(accepted(started(file, clocks), host) for host in HOSTS)


def test_a_bot_that_dies_while_it_tries_has_tried(file: Path, clocks: Clocks) -> None:
    """After two rejections each further try is written down before the host is asked."""
    assert tries(started(file, clocks), ONE, TWO) == 2
    clocks.pass_by(FIRST_PAUSE_S + 1)
    dying = started(file, clocks).login(THREE)
    dying.__enter__()
    assert tries(started(file, clocks), THREE) == 0


def test_the_file_gives_nothing_away(file: Path, clocks: Clocks) -> None:
    """Its owner alone may read it, and neither password nor a digest that can be compared quickly is in it."""
    tries(started(file, clocks), ONE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "password" not in file.read_text().replace("wrong password", "")
    first = file.read_text()
    file.unlink()
    tries(started(file, clocks), ONE)
    assert first != file.read_text()


def test_a_clock_that_was_set_back_bars_nobody_for_longer_than_a_pause(file: Path, clocks: Clocks) -> None:
    """What lies a year ahead is a clock's mistake."""
    assert tries(started(file, clocks), ONE, TWO) == 2
    clocks.wall -= 365 * 86400
    guard = started(file, clocks)
    assert not accepted(guard, THREE)
    clocks.pass_by(2 * LONGEST_PAUSE_S + 1)
    assert accepted(guard, THREE)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"salt": 1}', '{"salt": "x", "accounts": {"a": 7}}', '{"salt": "x", "accounts": []}']
)
def test_a_file_that_makes_no_sense_is_no_trouble(file: Path, clocks: Clocks, text: str) -> None:
    """It is written anew with the next rejection."""
    file.write_text(text)
    assert accepted(started(file, clocks), ONE)
    assert tries(started(file, clocks), ONE, TWO) == 2
    assert not accepted(started(file, clocks), THREE)


def test_where_nothing_can_be_written_the_work_goes_on(
    tmp_path: Path, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    """The process remembers by itself, and the log says that the next one will not."""
    guard = started(tmp_path / "no-folder" / "x.logins", clocks)
    assert tries(guard, ONE, TWO) == 2
    assert not accepted(guard, THREE)
    assert "rejected logins are not written down" in caplog.text


def test_accounts_that_nobody_uses_any_more_go(file: Path, clocks: Clocks) -> None:
    """A day after its pause an old password's entry is dropped when the next one is written."""
    tries(started(file, clocks), ONE)
    clocks.pass_by(3 * 86400)
    tries(started(file, clocks, Account("CONTOSO\\svc", "third")), ONE)
    assert file.read_text().count('"until"') == 2
