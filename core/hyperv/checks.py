"""Checks whether a host is ready for migrations; says line by line what is in order, and what to do about the rest."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from core.domain.model.hyperv_enums import MigrationAuth
from core.domain.model.inventory import CheckLine, HostFacts, HostName
from core.domain.model.units import span
from core.domain.planning.addresses import name_advice
from core.errors import CommandFailed, EndpointRefused, HostError
from core.hyperv import decode, enum_names, pipelines
from core.hyperv.connection_settings import STOCK_ENDPOINTS, ConnectionSettings
from core.hyperv.decode import Command
from core.hyperv.error_mapping import STAND_INS_HINT, NotPermitted
from core.hyperv.host_reads import list_folder, must
from core.hyperv.pipelines import Pipeline
from core.hyperv.ps_values import PsRow
from core.hyperv.session import Session
from core.hyperv.ticket_login import service_name, service_principal

T = TypeVar("T")

_SYSTEM_ROOT = "C:\\"
_DELEGATION = (
    'Log on with auth = "credssp", or allow delegation: Move-VM on the source logs on to the destination by itself.'
)
_KERBEROS_HINT = (
    "Needs constrained delegation on both computer accounts to cifs and Microsoft Virtual System Migration Service."
)

_NTLM_HINT = "For Kerberos only, set auth to kerberos: it says what is missing."
_FORWARDABLE_HINT = (
    "Move-VM's way to the other host needs a forwardable ticket: kinit -f, and an account that is not marked sensitive."
)


class Ask(Protocol):
    """Let a session do some work."""

    def __call__(self, work: Callable[[Session], T]) -> Awaitable[T]:
        """Return what the work returned."""
        ...


async def check(
    target: ConnectionSettings,
    peers: Sequence[ConnectionSettings],
    ask: Ask,
    try_login: Callable[[ConnectionSettings], Awaitable[None]],
    *,
    timeout_s: float,
    ticket_source: str,
) -> tuple[CheckLine, ...]:
    """Check one host, and its way to each peer. ``try_login`` opens a session of its own, and closes it."""
    host = target.host

    async def get(pipeline: Pipeline) -> list[Any]:
        return await ask(lambda session: must(target, pipeline, session.run(pipeline, timeout_s=timeout_s)))

    try:
        found = await ask(lambda session: _commands_of(target, timeout_s, session))
    except HostError as error:
        failed = CheckLine(f"{host}: login", ok=False, text=error.message, hint=error.hint)
        return (failed, *(_asked(target, ticket_source) if target.auth == "kerberos" else ()))
    lines = [_login(target)]
    if target.uses_tickets:
        lines.append(await ask(lambda session: _ticket(target, session)))
    lines += [*_role(target, found), *await _other_endpoints(target, try_login)]
    lines += [_commands(target, found), await _functions(target, ask, timeout_s)]
    try:
        facts = decode.read_facts(host, await get(pipelines.HOST), await get(pipelines.COUNTERS))
        vms = await get(pipelines.VMS)
        lines.append(CheckLine(f"{host}: rights", ok=True, text=f"sees {len(vms)} VM{'' if len(vms) == 1 else 's'}"))
        lines += _migration(target, facts)
    except HostError as error:
        lines.append(CheckLine(f"{host}: rights", ok=False, text=error.message, hint=error.hint))
        return tuple(lines)
    for peer in peers:
        try:
            settings = await get(pipelines.peer(peer.migration_address))
        except HostError as error:
            hint = error.hint if target.delegates else _DELEGATION
            advice = name_advice(peer.host, peer.migration_address, "")
            hint = f"{advice}: set hosts.{peer.host}.migration_address." if advice else hint
            lines.append(CheckLine(f"{host} to {peer.host}: WinRM", ok=False, text=error.message, hint=hint))
        else:
            lines += _hops(target, peer, facts, settings)
    return tuple(lines)


def _commands_of(target: ConnectionSettings, timeout_s: float, session: Session) -> list[Command]:
    """Return which of our commands the endpoint has, by the names we call and by their short ones."""
    wanted = list(pipelines.CMDLETS)
    wanted += map(pipelines.full_name, pipelines.CMDLETS) if target.is_full_language else pipelines.FUNCTIONS
    wanted += [target.role_mark] if _has_written_role(target) else []
    return decode.read_commands(target.host, session.run(pipelines.commands(wanted), timeout_s=timeout_s).values)


def _has_written_role(target: ConnectionSettings) -> bool:
    return bool(target.role_mark) and not target.is_full_language


def _role(target: ConnectionSettings, found: Sequence[Command]) -> list[CheckLine]:
    """Say whether the endpoint is limited to the hosts and folders of the settings as they are."""
    if not _has_written_role(target):
        return []
    subject = f"{target.host}: role"
    if any(command.name.casefold() == target.role_mark.casefold() for command in found):
        return [CheckLine(subject, ok=True, text=f"{target.configuration} is limited to the settings as they are")]
    text = f"{target.configuration} is older than the settings, or was not written from them"
    hint = f"Run migrate-bot endpoint DIR, and its commands on {target.host}."
    return [CheckLine(subject, ok=False, text=text, hint=hint)]


async def _other_endpoints(
    target: ConnectionSettings, try_login: Callable[[ConnectionSettings], Awaitable[None]]
) -> list[CheckLine]:
    """Say whether the account gets past its restricted endpoint through one that came with Windows or PowerShell."""
    if target.is_full_language:
        return []
    subject, open_ones = f"{target.host}: other endpoints", []
    for name in STOCK_ENDPOINTS:
        try:
            await try_login(replace(target, configuration=name))
        except (NotPermitted, EndpointRefused):
            continue  # it may not be used, or there is none of that name
        except HostError as error:
            return [CheckLine(subject, ok=False, text=f"{name} not known: {error.message}", hint=error.hint)]
        open_ones.append(name)
    if not open_ones:
        return [CheckLine(subject, ok=True, text=f"{' and '.join(STOCK_ENDPOINTS)} refuse the account")]
    text = f"{' and '.join(open_ones)} let it in too, where any script runs: {target.configuration} limits nothing"
    hint = f"Take {target.username or 'the account'} out of the groups of {target.host}; the endpoint needs none."
    return [CheckLine(subject, ok=False, text=text, hint=hint)]


def _login(target: ConnectionSettings) -> CheckLine:
    way = "HTTPS" if target.tls else "HTTP"
    text = f"as {target.username or 'the account of the bot'} with {target.auth} over {way}"
    if not target.tls and target.auth == "basic":
        hint = "The password crosses the network readable: set tls = true."
        return CheckLine(f"{target.host}: login", ok=False, text=text, hint=hint)
    return CheckLine(f"{target.host}: login", ok=True, text=text)


def _asked(target: ConnectionSettings, ticket_source: str) -> tuple[CheckLine, ...]:
    """Say what is asked of Kerberos where nothing came of it."""
    who = target.username or "the owner of the tickets"
    asked = service_principal(target) if service_name(target) else "nothing"
    text = f"asks for {asked} as {who} with {ticket_source}"
    hint = "docs/guide/hosts-setup.md has three commands that try the same without the bot."
    return (CheckLine(f"{target.host}: Kerberos", ok=False, text=text, hint=hint),)


def _ticket(target: ConnectionSettings, session: Session) -> CheckLine:
    """Say which ticket the host was shown, how long it lasts and how far it reaches."""
    subject, login = f"{target.host}: Kerberos", session.login
    if login is None or login.ticket is None:
        why = login.why_not if login is not None else ""
        return CheckLine(
            subject, ok=False, text=f"not used, NTLM instead: {why or 'the host chose it'}", hint=_NTLM_HINT
        )
    service = login.shown.service if login.shown else service_principal(target)
    left_s = login.ends_at - time.time()
    until = datetime.fromtimestamp(login.ends_at, UTC)
    reach = "may be delegated" if login.ticket.is_forwardable else "may not be delegated"
    text = (
        f"{service} as {login.ticket.user} with {login.ticket.source}; "
        f"lasts {span(left_s)}, until {until:%Y-%m-%d %H:%M} UTC; {reach}"
    )
    is_enough = login.ticket.is_forwardable or not target.is_full_language
    return CheckLine(subject, ok=is_enough, text=text, hint="" if is_enough else _FORWARDABLE_HINT)


def _commands(target: ConnectionSettings, found: Sequence[Command]) -> CheckLine:
    subject, endpoint = f"{target.host}: commands", target.configuration
    functions = (name for name in pipelines.FUNCTIONS if target.reads_notes or name != pipelines.NOTES)
    wanted = pipelines.CMDLETS if target.is_full_language else (*pipelines.CMDLETS, *functions)
    others = {}
    usable: dict[str, Command] = {}
    for command in found:
        module = pipelines.module_of(command.name) if command.name in pipelines.CMDLETS else command.module
        if command.module in {module, ""}:
            usable[command.name.casefold()] = command
        else:
            others[command.name] = command.module
    missing = [name for name in wanted if name.casefold() not in usable]
    strange = ", ".join(f"{name} of {module}" for name, module in others.items())
    if missing:
        text = f"{endpoint} lacks {', '.join(missing)}" + (f"; it has {strange}" if strange else "")
        hint = "Install the Hyper-V PowerShell module on the host."
        if not target.is_full_language:
            hint = (
                "Install the module and the role of deploy/ on the host again; its README says how to look at a role."
            )
        return CheckLine(subject, ok=False, text=text, hint=hint)
    if target.is_full_language and any(command.is_function for command in usable.values()):
        text = f"the commands of {endpoint} are stand-ins, whose objects cannot be moved"
        return CheckLine(subject, ok=False, text=text, hint=STAND_INS_HINT)
    text = f"{endpoint} has all of them" + (f"; {strange} comes first there and is not used" if strange else "")
    return CheckLine(subject, ok=True, text=text)


async def _functions(target: ConnectionSettings, ask: Ask, limit_s: float) -> CheckLine:
    """Let one of our functions do what changes nothing: a policy of the host may keep it from running."""
    subject = f"{target.host}: functions"
    try:
        await ask(lambda session: list_folder(target, limit_s, _SYSTEM_ROOT, session))
    except CommandFailed:
        pass  # it ran; that this folder is none of ours does not matter
    except HostError as error:
        return CheckLine(subject, ok=False, text=error.message, hint=error.hint)
    return CheckLine(subject, ok=True, text=f"{target.configuration} runs them")


def _migration(target: ConnectionSettings, facts: HostFacts) -> list[CheckLine]:
    host, auth, listeners = target.host, facts.migration_auth, facts.listeners
    lines = [
        CheckLine(
            f"{host}: live migration",
            ok=facts.is_migration_enabled,
            text="is on" if facts.is_migration_enabled else "is off",
            hint="" if facts.is_migration_enabled else f"Run Enable-VMMigration on {host}.",
        ),
        CheckLine(
            f"{host}: limits",
            ok=facts.live_limit > 0 and facts.storage_limit > 0,
            text=f"{facts.live_limit} live and {facts.storage_limit} storage migrations at once",
            hint="" if facts.live_limit and facts.storage_limit else "0 means never: raise it with Set-VMHost.",
        ),
        CheckLine(
            f"{host}: listener",
            ok=bool(listeners),
            text=f"listens on {', '.join(listeners)}" if listeners else "listens on no address",
            hint="" if listeners else "Allow a network with Set-VMMigrationNetwork, or any with Set-VMHost.",
        ),
    ]
    ready = auth is MigrationAuth.KERBEROS or target.auth == "credssp"
    lines.append(
        CheckLine(
            f"{host}: migration authentication",
            ok=ready,
            text="Kerberos" if auth is MigrationAuth.KERBEROS else f"CredSSP, logged on with {target.auth}",
            hint=_KERBEROS_HINT if ready and auth is MigrationAuth.KERBEROS else "" if ready else _credssp_hint(host),
        )
    )
    return lines


def _credssp_hint(host: HostName) -> str:
    change = "Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos"
    return f'Log on with auth = "credssp", or run {change} on {host}.'


def _hops(
    target: ConnectionSettings, other: ConnectionSettings, facts: HostFacts, values: list[Any]
) -> list[CheckLine]:
    peer = other.host
    subject = f"{target.host} to {peer}"
    lines = [CheckLine(f"{subject}: WinRM", ok=True, text=f"{target.host} can log on to {peer}")]
    try:
        advice = name_advice(peer, other.migration_address, decode.read_machine(peer, values))
        if advice:
            hint = f"Set hosts.{peer}.migration_address to the name that the machine has itself."
            lines.append(CheckLine(f"{subject}: address", ok=False, text=advice, hint=hint))
        row = PsRow(peer, "Get-VMHost", values[0])
        auth = row.member("VirtualMachineMigrationAuthenticationType", enum_names.MIGRATION_AUTHS, unknown=-1)
        is_on = row.flag("VirtualMachineMigrationEnabled")
    except HostError as error:
        return [*lines, CheckLine(f"{subject}: migration", ok=False, text=error.message, hint=error.hint)]
    agree = auth == facts.migration_auth
    text = "both use the same authentication" if agree else "the two hosts use different migration authentication"
    hint = "" if agree else "Set VirtualMachineMigrationAuthenticationType alike on both with Set-VMHost."
    if not is_on:
        text, hint = f"live migration is off on {peer}", f"Run Enable-VMMigration on {peer}."
    return [*lines, CheckLine(f"{subject}: migration", ok=agree and is_on, text=text, hint=hint)]
