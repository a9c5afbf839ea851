"""Reads the networks of a host: those it has an address in, and those it takes migrations on.

Source: Microsoft docs: Win32_NetworkAdapterConfiguration (IPAddress and IPSubnet go together; a subnet of version 6 is
a prefix's length), Msvm_VirtualSystemMigrationNetworkSettingData.
"""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

from core.domain.model.inventory import HostNetworks
from core.errors import EndpointRefused, MalformedReply
from core.hyperv import pipelines
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.error_mapping import first_line
from core.hyperv.pipelines import Pipeline
from core.hyperv.ps_values import PsRow
from core.hyperv.session import Session


def read(target: ConnectionSettings, timeout_s: float, session: Session) -> HostNetworks:
    """Return the networks of a host; what its endpoint does not show costs nothing else."""
    own, why_own = _read(target, timeout_s, session, pipelines.ADDRESSES, _of_adapter)
    taken, why_taken = _read(target, timeout_s, session, pipelines.NETWORKS, _of_setting)
    return HostNetworks(own=own, for_migration=taken, unread=why_own or why_taken)


def _read(
    target: ConnectionSettings,
    timeout_s: float,
    session: Session,
    pipeline: Pipeline,
    networks_of: Callable[[PsRow], Iterator[str]],
) -> tuple[tuple[str, ...] | None, str]:
    try:
        reply = session.run(pipeline, timeout_s=timeout_s)
    except EndpointRefused as error:
        return None, error.message
    if reply.words:
        return None, target.conceal(first_line(reply.words[0].text))
    try:
        return tuple(one for row in _rows(target, pipeline, reply.values) for one in networks_of(row)), ""
    except (MalformedReply, ValueError) as error:
        return None, error.message if isinstance(error, MalformedReply) else target.conceal(str(error))


def _rows(target: ConnectionSettings, pipeline: Pipeline, values: list[Any]) -> Iterator[PsRow]:
    return (PsRow(target.host, pipeline.title, value) for value in values)


def _of_adapter(row: PsRow) -> Iterator[str]:
    for address, mask in zip(row.texts("IPAddress"), row.texts("IPSubnet"), strict=False):
        yield str(ip_network(f"{address}/{mask}", strict=False))


def _of_setting(row: PsRow) -> Iterator[str]:
    yield str(ip_network(f"{row.label('SubnetNumber')}/{row.number('PrefixLength')}", strict=False))
