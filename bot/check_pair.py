"""Checks whether one VM could move to one host: asks both, tries the way between them, moves nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from core.config import Settings
from core.domain.attempt.diagnosis import diagnose
from core.domain.attempt.known_pair import PairFacts, in_view_of
from core.domain.model.host_calls import CompatibilityReply, HostWord
from core.domain.model.inventory import CheckLine, HostName, Snapshot, Vm
from core.domain.model.move import Fault
from core.domain.model.plan import Plan, Request, Severity
from core.domain.planning.pair_facts import pair_facts
from core.domain.planning.selection import select
from core.errors import AmbiguousVm, HostError, RequestError
from core.ports import HostGateway

_UNLOOKED = "Not looked at here: what jobs of the bot do."
Look = Callable[[Request], Awaitable[Plan]]
"""Makes the plan of a request, as the bot does."""


async def check_pair(
    settings: Settings, gateway: HostGateway, look: Look, vm_name: str, to: str, *, source: str = ""
) -> AsyncIterator[CheckLine]:
    """Say line by line whether a VM could move; what could not be found out is not in order.

    ``source`` is needed only where several hosts have a VM of that name.

    Raises:
        RequestError: there is no such host or VM, or more than one, or it is there already.

    """
    destination = settings.host_name(to)
    home, vm = await _find(settings, gateway, vm_name, destination, source)
    yield CheckLine(vm.name, ok=True, text=f"is on {home}, {vm.state.name.lower().replace('_', ' ')}")
    for host, peers in ((home, (destination,)), (destination, ())):
        try:
            for line in await gateway.check(host, peers):
                yield line
        except HostError as error:
            yield _unknown(host, error)
    for line in await _preflight(settings, gateway, look, vm, home=home, destination=destination):
        yield line
    yield await _compatibility(gateway, vm, home, destination)
    yield await _trial(gateway, vm, home, destination)


async def _find(
    settings: Settings, gateway: HostGateway, vm_name: str, destination: HostName, source: str
) -> tuple[HostName, Vm]:
    known = [HostName(name) for name in settings.hosts]
    asked = [settings.host_name(source)] if source else known
    if source and asked == [destination]:
        raise RequestError(f"{destination} is source and destination at once.", hint="Name another host with --to.")
    looks = await asyncio.gather(*(gateway.observe(host) for host in asked), return_exceptions=True)
    seen = [look for look in looks if isinstance(look, Snapshot)]
    silent = [look.message for look in looks if isinstance(look, HostError)]
    for look in looks:
        if isinstance(look, BaseException) and not isinstance(look, HostError):
            raise look
    try:
        found = select([vm_name], seen)
    except RequestError as error:
        if isinstance(error, AmbiguousVm) or not silent:
            raise
        raise RequestError(
            error.message, hint=f"{len(silent)} of the hosts could not be looked at: {silent[0]}"
        ) from None
    if len(found) != 1:
        names = ", ".join(vm.name for _, vm in found[:5])
        raise RequestError(f"{vm_name} stands for {len(found)} VMs: {names}.", hint="Name one.")
    ((home, vm),) = found
    if home == destination:
        raise RequestError(f"{vm.name} is on {destination} already.", hint="Name another host with --to.")
    return home, vm


async def _preflight(
    settings: Settings, gateway: HostGateway, look: Look, vm: Vm, *, home: HostName, destination: HostName
) -> Sequence[CheckLine]:
    """Say what a plan of this one move says."""
    subject = f"{vm.name} on {destination}"
    try:
        path = settings.hosts[destination].path or (await gateway.observe(destination)).facts.default_vm_path
        request = Request(
            vms=(str(vm.id),), sources=(home,), destinations=(destination,), requester="", channel="", path=path
        )
        plan = await look(request)
    except HostError as error:
        return [_unknown(subject, error)]
    except RequestError as error:
        return [CheckLine(subject, ok=False, text=error.message, hint=error.hint)]
    lines = [CheckLine(subject, ok=one.severity is not Severity.BLOCKER, text=one.text) for one in plan.findings]
    if all(line.ok for line in lines):
        lines.append(CheckLine(subject, ok=True, text=f"nothing stands against it in {path}. {_UNLOOKED}"))
    return lines


async def _compatibility(gateway: HostGateway, vm: Vm, home: HostName, destination: HostName) -> CheckLine:
    """Let the destination judge what the source says that the VM needs."""
    subject = f"{vm.name} on {destination}: compatible"
    try:
        (needs,) = await gateway.compatibility_info(home, [vm.id])
        if isinstance(needs, HostError):
            return _unknown(subject, needs)
        (reply,) = await gateway.test_compatibility(destination, [needs])
    except HostError as error:
        return _unknown(subject, error)
    if isinstance(reply, HostError):
        return _unknown(subject, reply)
    return _judged(subject, reply, f"{destination} can take it as it is now")


async def _trial(gateway: HostGateway, vm: Vm, home: HostName, destination: HostName) -> CheckLine:
    """Let the source's service log on to the destination's as for a migration."""
    subject = f"{home} to {destination}: trial"
    try:
        reply = await gateway.test_migration(home, vm.id, destination)
        if reply.is_compatible:
            fine = f"the service of {home} finds the way to {destination}, and nothing against it"
            return _judged(subject, reply, fine)
    except HostError as error:
        return _unknown(subject, error)
    try:
        here, there = await asyncio.gather(gateway.inspect(home, []), gateway.inspect(destination, []))
    except HostError:
        return _judged(subject, reply, "")
    return _judged(subject, reply, "", pair_facts(here, there))


def _judged(subject: str, reply: CompatibilityReply, fine: str, pair: PairFacts | None = None) -> CheckLine:
    said = " ".join(reply.reasons)
    if reply.is_compatible:
        return CheckLine(subject, ok=True, text=f"{fine}; it warns: {said}" if said else fine)
    verdict = diagnose([HostWord(text) for text in reply.reasons])
    verdict = in_view_of(verdict, pair) if pair else verdict
    hint = "" if verdict.fault is Fault.UNKNOWN else verdict.hint
    return CheckLine(subject, ok=False, text=said or "no, without a reason", hint=hint)


def _unknown(subject: str, error: HostError) -> CheckLine:
    return CheckLine(subject, ok=False, text=f"not known: {error.message}", hint=error.hint)
