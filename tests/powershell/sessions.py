"""Sessions of the bot on one host of the lab: the lab's own engine and a real PowerShell side by side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pypsrp.complex_objects import GenericComplexObject

from core.domain.model.inventory import HostName
from core.errors import EndpointRefused
from core.hyperv import PypsrpGateway
from core.hyperv.connection_settings import targets_of
from core.hyperv.pipelines import Pipeline, Stage
from core.hyperv.ps_values import thaw
from core.hyperv.session import PipelineResult, Session
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.fleet import Endpoint, Fleet
from tests.contracts.gateway_arena import FLEET, SOURCE
from tests.support.wire_harness import settings_for

T = TypeVar("T")

_WORDED = {"as a name of a cmdlet": "as the name of a cmdlet", "executable program.\nCheck": "operable program. Check"}
WITHIN_S = 120
"""A PowerShell starts in half a second, and in many on a machine that has no time for it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A lab, a gateway to it and one session on its first host."""

    lab: HyperVLab
    gateway: PypsrpGateway
    session: Session

    async def run(self, pipeline: Pipeline) -> PipelineResult:
        return await asyncio.to_thread(self.session.run, pipeline, timeout_s=WITHIN_S)

    async def call(self, pipeline: Pipeline) -> PipelineResult:
        return await asyncio.to_thread(self.session.call, pipeline, timeout_s=WITHIN_S)

    async def refusal(self, *stages: Stage) -> str:
        """Run what is refused; return the error id."""
        try:
            reply = await self.run(Pipeline(stages))
        except EndpointRefused as error:
            return error.message.rpartition("(")[2].rstrip(")")
        return " ".join(word.fqid for word in reply.words) or f"ran: {reply.values}"


def restricted(fleet: Fleet, endpoint: Endpoint, **changes: Any) -> Fleet:
    return replace(fleet, hosts=tuple(replace(host, endpoint=endpoint, **changes) for host in fleet.hosts))


@asynccontextmanager
async def place(
    powershell: PowerShell | None, endpoint: Endpoint, fleet: Fleet = FLEET, *, role: str | None = None, **options: Any
) -> AsyncIterator[Place]:
    """Start a lab of either engine and log on to its first host."""
    described = restricted(fleet, endpoint, role=role)
    async with HyperVLab(described, powershell=powershell, has_tls=False, **options) as lab:
        configuration: dict[str, Any] = {"configuration": "MigrateBot"} if endpoint is Endpoint.JEA else {}
        settings = settings_for(lab, tls=False, auth="basic", operation_timeout=WITHIN_S, sessions=1, **configuration)
        session = Session(targets_of(settings)[HostName(SOURCE)])
        gateway = PypsrpGateway(settings)
        await asyncio.to_thread(session.open)
        try:
            yield Place(lab, gateway, session)
        finally:
            await asyncio.to_thread(session.close)
            await gateway.close()


def described(reply: PipelineResult) -> dict[str, Any]:
    """Tell what a reply says, without what runs with the clock."""
    return {
        "values": [plain(value) for value in reply.values],
        "errors": [(word.fqid, word.category, as_5_1(word.text)) for word in reply.words],
    }


def as_5_1(text: str) -> str:
    """Return a text of PowerShell 7 in the words of Windows PowerShell 5.1, as far as the two are known to differ."""
    for ours, theirs in _WORDED.items():
        text = text.replace(ours, theirs)
    return text.replace(f"{Path.cwd()}/", "")  # to Linux a path of Windows is a relative one


def plain(value: Any) -> Any:
    """Return a value of a reply as plain data."""
    value = thaw(value)
    if isinstance(value, GenericComplexObject):
        bag = {**value.adapted_properties, **value.extended_properties}
        bag.pop("Uptime", None)
        inner = {name: plain(item) for name, item in bag.items()}
        inside = [plain(item) for item in value.property_sets]
        return {"text": value.to_string, "in it": inner, "is": inside} if inside or not inner else inner
    return [plain(item) for item in value] if isinstance(value, list) else value
