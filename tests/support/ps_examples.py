"""PowerShell objects as hosts send them."""

from typing import Any
from uuid import UUID

from tests.support.ps_objects import enum

WEB = UUID("5c8f1f54-9f0a-4a1c-8d34-0e6b8a3f9d10")


def vm_properties(**changes: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "Id": WEB,
        "Name": "web01",
        "State": enum(2, "Running"),
        "OperationalStatus": [enum(2, "Ok"), enum(32772, "MergingDisks")],
        "Status": "Merging disks",
        "VirtualMachineType": enum(3, "RealizedVirtualMachine"),
        "IsClustered": False,
        "Generation": 2,
        "Version": "9.0",
        "MemoryAssigned": 4 << 30,
        "MemoryStartup": 2 << 30,
        "Uptime": "P1DT2H3M4.5S",
        "Heartbeat": enum(6, "OkApplicationsHealthy"),
        "ReplicationMode": enum(0, "None"),
        "ReplicationState": enum(0, "Disabled"),
        "Path": "D:\\VMs\\web01",
        "SnapshotFileLocation": "D:\\VMs\\web01",
        "SmartPagingFilePath": "D:\\VMs\\web01",
    }
    return properties | changes
