"""How often a login that is rejected is tried again."""

import itertools
import threading

import pytest

from core.domain.model.inventory import HostName
from core.errors import HostUnreachable, LoginRejected, LoginWithheld, Standing
from core.hyperv import lockout_guard
from core.hyperv.error_mapping import NotPermitted
from core.hyperv.lockout_guard import LockoutGuard

ONE, TWO, THREE = HostName("HV01"), HostName("HV02"), HostName("HV03")


class Hands:
    """A clock somebody turns."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def account(clock: Hands) -> LockoutGuard:
    return LockoutGuard(clock=clock)


def log_on(account: LockoutGuard, host: HostName, error: Exception | None = None) -> bool:
    """Return whether the host was asked at all."""
    asked = False
    try:
        with account.login(host):
            asked = True
            if error is not None:
                raise error
    except (LoginRejected, HostUnreachable):
        pass
    return asked


def no(host: HostName) -> LoginRejected:
    return LoginRejected(host, f"{host} rejects the login of svc: wrong password.")


def test_a_host_that_rejects_the_login_is_left_alone(account: LockoutGuard, clock: Hands) -> None:
    """It is not asked for ten minutes, then twenty, then forty, an hour at most; the answer says so at once."""
    pauses = []
    for _ in range(6):
        assert log_on(account, ONE, no(ONE))
        with pytest.raises(LoginRejected, match=r"wrong password\. The next login is in \d+ min"), account.login(ONE):
            pass
        log_on(account, TWO)  # the account itself is all right
        began = clock.now
        while not log_on(account, ONE, HostUnreachable(ONE, "down")):
            clock.now += 60
        pauses.append((clock.now - began) / 60)
    assert pauses == [10, 20, 40, 60, 60, 60]


def test_one_host_that_rejects_it_bars_no_other(account: LockoutGuard) -> None:
    """A second host is asked, and when it accepts the login everybody is."""
    assert log_on(account, ONE, no(ONE))
    assert log_on(account, TWO)
    assert log_on(account, THREE)
    assert not log_on(account, ONE)


def test_a_host_that_was_not_asked_is_not_said_to_reject(account: LockoutGuard) -> None:
    """Whose words they are is said, and the state is another one than that of the host that spoke them."""
    for host in (ONE, TWO):
        log_on(account, host, no(host))
    with pytest.raises(
        LoginWithheld, match=r"^HV03 was not asked: HV02 rejects the login of svc.* locked\.$"
    ) as spared:
        account.login(THREE).__enter__()
    with pytest.raises(LoginRejected, match=r"^HV01 rejects the login of svc") as rejected:
        account.login(ONE).__enter__()
    assert spared.value.standing is Standing.LOGIN_WITHHELD
    assert rejected.value.standing is Standing.LOGIN_REJECTED


def test_a_hundred_hosts_cannot_lock_the_account(account: LockoutGuard, clock: Hands) -> None:
    """With a wrong password no quarter of an hour sees more than four tries, and later ones lie far apart."""
    tries = []
    for _ in range(120):
        tries += [clock.now for n in range(100) if log_on(account, HostName(f"HV{n}"), no(HostName(f"HV{n}")))]
        clock.now += 60
    assert max(sum(1 for other in tries if 0 <= other - at < 900) for at in tries) <= 4
    assert len(tries) < 10


def test_the_first_that_accepts_it_opens_the_way(account: LockoutGuard, clock: Hands) -> None:
    """Once the password is right again, one success lets all hosts be asked."""
    for host in (ONE, TWO):
        assert log_on(account, host, no(host))
    assert not log_on(account, THREE)
    clock.now += lockout_guard.FIRST_PAUSE_S
    assert log_on(account, THREE)
    assert log_on(account, HostName("HV04"))


def test_a_dead_host_does_not_use_up_the_try(account: LockoutGuard, clock: Hands) -> None:
    """After the pause a host that does not answer leaves the try to the next one."""
    for host in (ONE, TWO):
        assert log_on(account, host, no(host))
    clock.now += lockout_guard.FIRST_PAUSE_S
    assert log_on(account, THREE, HostUnreachable(THREE, "down"))
    assert log_on(account, HostName("HV04"))


def test_an_account_that_may_log_on_but_not_use_the_endpoint_is_not_held_back(account: LockoutGuard) -> None:
    """No password was wrong, so nothing can be locked."""
    for _ in range(5):
        assert log_on(account, ONE, NotPermitted(ONE, "Access is denied."))


def test_hosts_are_asked_two_at_a_time_until_one_accepts(account: LockoutGuard) -> None:
    """A start with a hundred hosts and a wrong password does not try it a hundred times at once."""
    inside, go, done = threading.Semaphore(0), threading.Event(), []

    def work(host: HostName) -> None:
        try:
            with account.login(host):
                inside.release()
                go.wait(60)
                raise no(host)
        except LoginRejected:
            done.append(host)

    threads = [threading.Thread(target=work, args=(HostName(f"HV{n}"),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        assert inside.acquire(timeout=60)
    go.set()
    for thread in threads:
        thread.join(60)
    assert len(done) == 20
    assert not inside.acquire(blocking=False)


def test_a_rejection_in_the_middle_of_a_session_counts(account: LockoutGuard) -> None:
    """Basic logs on with every request: what is rejected then holds the next login back."""
    assert log_on(account, ONE)
    account.rejected(ONE, "HV01 rejects the login of svc")
    assert not log_on(account, ONE)


def test_a_password_put_right_is_tried_before_a_move_is_lost(clock: Hands) -> None:
    """With an hour of patience for a silent host, no pause between two logins is longer than half of it."""
    account, patience_s = LockoutGuard(longest_pause_s=1800, clock=clock), 3600
    asked = []
    for _ in range(12 * 60):
        if log_on(account, ONE, no(ONE)):
            asked.append(clock.now)
        clock.now += 60
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert max(pauses) <= patience_s / 2 + 60
    for since in asked:
        assert sum(1 for at in asked if since <= at < since + 900) <= 4
