"""Each refusal of a real KDC, or of a host, is one right sentence; only a judged secret is a rejected login."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import CannotLogOn, HostError, LoginRejected
from core.hyperv.kerberos_errors import MEANINGS, TicketError, code_of
from lab import kdc
from tests.kerberos.realms import CONTOSO, HOSTS, PASSWORD, SVC, Near, World, kerberos, near, tokens_seen

HOST = f"host/{HOSTS['HV06'][0]}"
WRONG = "not-the-password"


@dataclass(frozen=True)
class Case:
    """What is wrong, and what people read of it."""

    name: str
    text: str
    error: type[HostError] = CannotLogOn
    flags: str = ""
    wrong: tuple[str, ...] = ()
    """What kadmin.local does to the account ``{user}``."""
    mend: tuple[str, ...] = ()
    """What puts it right again; the same gateway then logs on at once, without a pause."""
    password: str = PASSWORD
    username: str = ""
    config: str = ""
    """What stands before the rest in krb5.conf."""
    is_config_whole: bool = False


CASES = (
    Case("wrong-password", "the password of {user} is wrong", LoginRejected, password=WRONG),
    Case(
        "expired-password",
        "the password of {user} has expired",
        wrong=("modprinc -pwexpire yesterday {user}",),
        mend=("modprinc -pwexpire never {user}",),
    ),
    Case(
        "expired-account",
        "the account {user} has expired",
        wrong=("modprinc -expire yesterday {user}",),
        mend=("modprinc -expire never {user}",),
    ),
    Case(
        "disabled",
        "the account {user} is locked or disabled",
        wrong=("modprinc -allow_tix {user}",),
        mend=("modprinc +allow_tix {user}",),
    ),
    Case(
        "unknown-client",
        "the domain CONTOSO.COM knows no account {user}",
        wrong=("delprinc -force {user}",),
        mend=(f'addprinc -pw "{PASSWORD}" {{user}}',),
    ),
    Case(
        "smart-card",
        "{user} and the domain CONTOSO.COM found no way of pre-authentication",
        wrong=("modprinc +requires_hwauth {user}",),
        mend=("modprinc -requires_hwauth {user}",),
    ),
    Case(
        "no-common-etype",
        "the bot and the domain CONTOSO.COM have no encryption type in common for {user}",
        flags="-e arcfour-hmac:normal",
        wrong=("modprinc -requires_preauth {user}",),
        config="[libdefaults]\n permitted_enctypes = aes256-cts\n",
    ),
    Case("no-kdc", "no KDC of the realm NOWHERE.LAB answers", username="svc@NOWHERE.LAB"),
    Case("no-such-realm", "nothing says where the KDCs of the realm ELSE.LAB are", username="svc@ELSE.LAB"),
    Case("short-name", r"Kerberos cannot tell the realm of OTHER\svc", username=r"OTHER\svc"),
    Case(
        "no-default-realm",
        "krb5.conf names no realm",
        username="svc",
        config="[libdefaults]\n dns_lookup_kdc = false\n",
        is_config_whole=True,
    ),
)


async def refusal(here: Near, error: type[HostError]) -> HostError:
    with pytest.raises(error) as caught:
        await here.look("HV06")
    assert type(caught.value) is error
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_refusal_of_a_kdc_is_said_in_words(
    world: World, case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The words fit, the hint says what to do, and nobody is kept from trying again unless a secret was judged."""
    user = case.username or f"{case.name}@{CONTOSO}"
    if not case.username:
        world.realms.add(user, PASSWORD, f"+requires_preauth {case.flags}")
    for command in case.wrong:
        world.realms.administer(command.format(user=user), CONTOSO)
    if case.config:
        (tmp_path / "first.conf").write_text(case.config)
        rest = "" if case.is_config_whole else f":{world.realms.environment['KRB5_CONFIG']}"
        monkeypatch.setenv("KRB5_CONFIG", f"{tmp_path}/first.conf{rest}")
    async with near(world, "HV06", winrm=kerberos(user), password=case.password) as here:
        said = await refusal(here, case.error)
        assert case.text.format(user=user) in said.message
        assert said.hint
        for command in case.mend:
            world.realms.administer(command.format(user=user), CONTOSO)
        if case.mend:
            assert await here.look("HV06") == 0


async def test_a_locked_account_is_told_and_not_tried_to_death(world: World) -> None:
    """Two wrong passwords, then silence: we lock no account. One that others locked is told."""
    user = f"locked@{CONTOSO}"
    world.realms.administer("addpol -maxfailure 4 -failurecountinterval 0 -lockoutduration 0 strict", CONTOSO)
    world.realms.add(user, PASSWORD, "+requires_preauth -policy strict")
    names = [f"HV{n:02d}" for n in range(1, 7)]
    async with near(world, *names, winrm=kerberos(user), password=WRONG) as here:
        for name in names * 2:
            with pytest.raises(LoginRejected) as caught:
                await here.look(name)
        assert "does not get locked" in caught.value.message
        assert WRONG not in str(caught.value)
    async with near(world, "HV06", winrm=kerberos(user)) as here:
        assert await here.look("HV06") == 0
    for _ in range(4):
        async with near(world, "HV06", winrm=kerberos(user), password=WRONG) as here:
            await refusal(here, LoginRejected)
    async with near(world, "HV06", winrm=kerberos(user)) as here:
        assert "is locked or disabled" in (await refusal(here, CannotLogOn)).message


async def test_negotiate_does_not_try_a_wrong_password_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the KDC has judged is not shown to the host with NTLM once more: each login costs one try."""
    user = f"twice@{CONTOSO}"
    world.realms.administer("addpol -maxfailure 20 -failurecountinterval 0 counted", CONTOSO)
    world.realms.add(user, PASSWORD, "+requires_preauth -policy counted")
    sent = tokens_seen(monkeypatch)
    async with near(world, "HV06", winrm=kerberos(user, auth="negotiate"), password=WRONG) as here:
        await refusal(here, LoginRejected)
    assert not any(sent)
    assert "Failed password attempts: 1\n" in world.realms.administer(f"getprinc {user}", CONTOSO)


@pytest.mark.parametrize("tls", [False, True])
async def test_credssp_asks_no_kdc(world: World, tls: bool) -> None:
    """Inside CredSSP there is NTLM alone: a wrong password, which Kerberos would have tried first, counts once."""
    user = f"inside@{CONTOSO}"
    world.realms.add(user, PASSWORD, "+requires_preauth")
    log = world.folder / "kdc.log"
    before = log.read_text()
    async with near(world, "HV06", tls=tls, winrm=kerberos(user, auth="credssp"), password=WRONG) as here:
        await refusal(here, LoginRejected)
    assert log.read_text() == before


async def test_a_ticket_bound_to_another_certificate_is_not_taken(world: World) -> None:
    """Over TLS the login is bound to the host's certificate; somebody in between cannot pass it on."""
    async with near(world, "HV06", tls=True) as here:
        here.lab.gate("HV06").certificate_hash = b"of another certificate"
        assert f"does not take the ticket of {SVC} for {HOST}" in (await refusal(here, CannotLogOn)).message


async def test_an_old_keytab_is_a_wrong_secret(world: World) -> None:
    """A new password makes the keytab worthless: the KDC says wrong, people read keytab."""
    user = f"rekeyed@{CONTOSO}"
    world.realms.add(user, PASSWORD, "+requires_preauth")
    old = world.realms.keytab(world.keytab("rekeyed"), user)
    world.realms.administer(f'cpw -pw "{PASSWORD}2" {user}', CONTOSO)
    async with near(world, "HV06", winrm=kerberos(user, keytab_file=str(old))) as here:
        said = await refusal(here, LoginRejected)
    assert f"the keytab {old} of {user} is wrong" in said.message
    assert "new keytab" in said.hint


async def test_a_keytab_that_is_not_the_accounts(world: World, tmp_path: Path) -> None:
    """Somebody else's keytab, none, or something that is none: three sentences, and no secret was judged."""
    (tmp_path / "text").write_text("no keytab at all")
    files = {
        world.keytab("brief"): "has no key for",
        tmp_path / "text": "is no keytab",
        tmp_path / "none": "cannot be read",
    }
    for file, words in files.items():
        async with near(world, "HV06", winrm=kerberos(keytab_file=str(file))) as here:
            said = await refusal(here, CannotLogOn)
            assert words in said.message, said.message
            assert str(file) in said.message


@pytest.mark.parametrize("says_why", [True, False])
async def test_a_host_with_another_key(world: World, says_why: bool) -> None:
    """The host cannot read the ticket (KVNO, another account's SPN): no password was judged, no other host waits."""
    async with near(world, "HV05", "HV06") as here:
        gate = here.lab.gate("HV06")
        gate.says_why, gate.keytab = says_why, world.keytab("HV04")
        for _ in range(2):
            said = await refusal(here, CannotLogOn)
        words = f"the key of {HOST}" if says_why else f"does not take the ticket of {SVC} for {HOST}"
        assert words in said.message
        assert await here.look("HV05") == 0
        gate.keytab = world.keytab("HV06")
        assert await here.look("HV06") == 0


async def test_a_host_whose_service_is_disabled_or_unknown(world: World) -> None:
    """Hosts without a service principal keep nobody from logging on elsewhere."""
    async with near(world, "HV05", "HV06") as here:
        for wrong, mend, words in (
            (f"modprinc -allow_svr {HOST}", f"modprinc +allow_svr {HOST}", "an account that is no service"),
            (f"modprinc -allow_tix {HOST}", f"modprinc +allow_tix {HOST}", f"knows no service {HOST}"),
            (f"renprinc -force {HOST} host/gone", f"renprinc -force host/gone {HOST}", f"knows no service {HOST}"),
        ):
            world.realms.administer(wrong, CONTOSO)
            try:
                assert words in (await refusal(here, CannotLogOn)).message
                assert await here.look("HV05") == 0
            finally:
                world.realms.administer(mend, CONTOSO)


async def test_a_host_whose_clock_is_wrong(world: World) -> None:
    """A host seven minutes ahead takes no ticket; people read how far its clock is off."""
    async with near(world, "HV06") as here:
        here.lab.gate("HV06").clock_ahead_s = 425.0
        assert "the host is 7 min ahead" in (await refusal(here, CannotLogOn)).message


@contextmanager
def kdc_at(world: World, clock: str) -> Iterator[None]:
    world.realms.stop(CONTOSO)
    world.realms.start(CONTOSO, clock)
    try:
        yield
    finally:
        world.realms.stop(CONTOSO)
        world.realms.start(CONTOSO)


@pytest.mark.skipif(not kdc.has_faketime(), reason="no faketime here")
@pytest.mark.parametrize(("clock", "side"), [("+17m", "17 min ahead"), ("-17m", "17 min behind")])
async def test_a_domain_whose_clock_is_wrong(world: World, clock: str, side: str) -> None:
    """The KDC's clock is far from the bot's and the host's: told with the difference."""
    with kdc_at(world, clock):
        async with near(world, "HV06") as here:
            said = await refusal(here, CannotLogOn)
            assert "clocks" in said.message
            assert side in said.message


async def test_a_kdc_that_is_away(world: World) -> None:
    """Nobody gets in while it is away, and everybody says why; with its return the next try works."""
    world.realms.stop(CONTOSO)
    try:
        async with near(world, "HV05", "HV06") as here:
            for name in ("HV05", "HV06", "HV05"):
                with pytest.raises(CannotLogOn, match=r"no KDC of the realm CONTOSO\.COM answers"):
                    await here.look(name)
            world.realms.start(CONTOSO)
            assert await here.look("HV05") == await here.look("HV06") == 0
    finally:
        if CONTOSO not in world.realms.running:
            world.realms.start(CONTOSO)


def test_every_meaning_says_what_to_do() -> None:
    """Each code of the table has words and a hint, can be filled in, and only two judge a secret."""
    blanks = dict.fromkeys(("user", "realm", "spn", "source", "skew"), "x")
    assert all(meaning.text.format_map(blanks) and meaning.hint for meaning in MEANINGS.values())
    assert sum(meaning.judges_secret for meaning in MEANINGS.values()) == 2


def test_codes_are_found_however_deep() -> None:
    """GSSAPI counts without a sign, and pyspnego wraps what it got."""
    deep = ValueError("outside", RuntimeError("inside"))
    deep.args[1].__cause__ = type("GSSError", (Exception,), {"min_code": 2529638919})()
    assert code_of(deep) == -1765328377
    assert code_of(TicketError("none")) is None
