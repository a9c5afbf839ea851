"""Counts the remote calls that moving a VM takes."""

from collections import Counter

from benchmarks.makespan import Pairing, pairings
from benchmarks.report import Section, Size, Table


def run(size: Size) -> Section:
    """Count calls only."""
    return section(pairings(size))


def section(played: list[Pairing]) -> Section:
    """Write down calls per VM, and looks at a host per minute of the batch."""
    vms = sum(one.vms for one in played)
    sums = [
        ("engine", sum((one.ours.calls for one in played), Counter[str]()), [one.ours.makespan_s for one in played]),
        (
            "predecessor",
            sum((one.theirs.calls for one in played), Counter[str]()),
            [one.theirs.makespan_s for one in played],
        ),
    ]
    hosts = sum(len(one.slots) * one.bound_s for one in played) / sum(one.bound_s for one in played)
    rows = tuple(
        (
            name,
            f"{calls.total() / vms:.0f}",
            f"{calls['observe'] / vms:.0f}",
            f"{(calls['inspect'] + calls['find']) / vms:.1f}",
            f"{calls['move'] / vms:.1f}",
            f"{calls['remove_empty_folder'] / vms:.1f}",
            f"{60 * calls['observe'] / sum(times) / hosts:.1f}",
        )
        for name, calls, times in sums
    )
    head = ("", "all", "inventories", "looks at one VM", "starts", "folders", "inventories a minute and host")
    return Section(
        "calls",
        "Remote calls per moved VM",
        "An inventory lists every VM of a host. The engine takes one from each busy host every `poll_busy` (5 s), "
        "however many VMs are queued, so its count goes with the time a batch takes; the predecessor takes 2 for each "
        "VM that is left in each of its passes (81 for 40 VMs; 161 when it is told to be careful), so its count goes "
        "with time and VMs. Its clean-up calls are not counted.",
        (Table(head, rows),),
    )
