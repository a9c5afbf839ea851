"""Move-VM and Compare-VM as a client sees them: what they say, and what does not stop them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pypsrp.serializer import TaggedValue

from lab.hyperv.world.enums import MigrationAuthentication, VMState
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.hyperv.world.fleet import GB, Delegation, Disk, Language
from lab.hyperv.world.quirks import Quirks
from tests.lab.hyperv.conftest import WEB01, begin, fleet, host, move, select, vm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.hyperv.conftest import Client, Result

CLASS = "Microsoft.HyperV.PowerShell.Commands.MoveVM"
JOBS = ("Get-CimInstance", {"Namespace": "root/virtualization/v2", "ClassName": "Msvm_MigrationJob"})


async def run_to_end(client: Client, lab: Any, *stages: Any) -> Result:
    shell = await begin(client, lab, *stages)
    lab.jump(36000)
    return await client.call(lambda: client.finish(shell))


async def test_a_move_emits_nothing_and_ends_at_100_percent(client: Client, lab: Any) -> None:
    """No output, no error, state Completed; the last progress record closes the activity; the VM is there."""
    result = await run_to_end(client, lab)
    assert (result.output, result.errors, result.state) == ([], [], 4)
    last = result.progress[-1]
    assert (last.activity, last.description) == ("Moving Virtual Machine and Storage", "100% complete")
    assert (last.percent_complete, last.progress_type.value, last.parent_activity_id) == (100, 1, -1)
    assert lab.world.where_is(WEB01) == "HV02"


async def test_progress_comes_while_the_move_runs(open_lab: Any, connect: Any) -> None:
    """At speed the records come thinner, never decreasing, and the pipeline ends with the move."""
    lab = await open_lab(has_tls=False, speed=200)
    result = await (await connect(lab)).run(*move())
    percents = [record.percent_complete for record in result.progress[1:]]
    assert percents == sorted(percents)
    assert len(percents) >= 3
    assert percents[-1] == 100


async def test_the_moved_vm_lies_under_the_storage_path(client: Client, lab: Any) -> None:
    """Disks below `Virtual Hard Disks`; empty folders stay behind on the source."""
    await run_to_end(client, lab)
    moved = lab.world.vm("HV02", WEB01)
    assert moved.disks[0].path == "D:\\VMs\\moved\\Virtual Hard Disks\\web01.vhdx"
    assert lab.world.entry("HV01", "D:\\VMs\\web01\\Virtual Hard Disks\\web01.vhdx") is None
    left = await client.run(("Get-ChildItem", {"LiteralPath": "D:\\VMs\\web01", "Force": None}), select("FullName"))
    assert "D:\\VMs\\web01\\Virtual Hard Disks" in [item.extended_properties["FullName"] for item in left.output]


async def test_passthru_gives_the_vm_of_the_destination(client: Client, lab: Any) -> None:
    """With -Passthru the moved VM comes out, read from the destination."""
    result = await run_to_end(client, lab, *move(Passthru=None), select("Id", "ComputerName"))
    assert result.only == {"Id": WEB01, "ComputerName": "HV02"}


async def test_a_failure_is_lines_on_the_error_stream(client: Client, lab: Any) -> None:
    """Wrapper line, blank line, causes with an HRESULT; OperationFailed; Completed; 100 percent all the same."""
    lab.world.order(MoveFault(vm=WEB01, cause="network", at_percent=40))
    result = await run_to_end(client, lab)
    assert result.state == 4
    (text,) = result.texts
    first, blank, *causes = text.split("\n")
    assert first.startswith("Virtual machine migration operation for 'web01' failed at migration source 'HV01'.")
    assert blank == ""
    assert "0x80072746" in causes[0]
    assert result.ids == [f"OperationFailed,{CLASS}"]
    assert result.errors[0].reason == "VirtualizationException"
    assert result.errors[0].exception.adapted_properties["Message"] == text
    assert result.progress[-1].percent_complete == 100
    assert lab.world.where_is(WEB01) == "HV01"


async def test_another_language_keeps_ids_and_codes(open_lab: Any, connect: Any) -> None:
    """A German host speaks German; the error id, the HRESULT and the VM's id stay."""
    lab = await open_lab(fleet(first=host("HV01", language=Language.GERMAN)), has_tls=False)
    client = await connect(lab)
    lab.world.order(MoveFault(vm=WEB01, cause="network"))
    result = await run_to_end(client, lab)
    assert "Fehler beim Migrationsvorgang" in result.texts[0]
    assert "0x80072746" in result.texts[0]
    assert str(WEB01).upper() in result.texts[0]
    assert result.ids == [f"OperationFailed,{CLASS}"]


async def test_error_action_stop_fails_the_pipeline(client: Client, lab: Any) -> None:
    """Only -ErrorAction Stop turns the error into a failed pipeline."""
    lab.world.order(MoveFault(vm=WEB01, cause="network"))
    result = await run_to_end(client, lab, *move(ErrorAction="Stop"))
    assert (result.state, result.ids) == (5, [f"OperationFailed,{CLASS}"])


async def test_over_the_limit_a_move_fails_and_does_not_queue(open_lab: Any, connect: Any) -> None:
    """The third move fails at once with the limit's text, which carries no HRESULT."""
    lab = await open_lab(fleet(vm(2, "a"), vm(3, "b")), has_tls=False)
    client = await connect(lab, pool={"max_runspaces": 4})
    for vm_id in (vm(2, "a").id, vm(3, "b").id):
        await begin(client, lab, *move(vm_id, DestinationStoragePath=f"D:\\VMs\\{vm_id}"))
    result = await client.run(*move())
    assert "limit" in result.texts[0]
    assert "(0x" not in result.texts[0]
    assert result.ids == [f"OperationFailed,{CLASS}"]
    counters = await client.run(
        (JOBS[0], {**JOBS[1], "ClassName": "Msvm_VirtualSystemMigrationService"}),
        select("ActiveVirtualSystemMigrationCount", "ActiveStorageMigrationCount"),
    )
    assert list(counters.only.values()) == [2, 2]


async def test_a_refusal_before_any_job_is_an_invalid_operation(open_lab: Any, connect: Any) -> None:
    """Migration switched off on the destination: an error, no job, no progress."""
    lab = await open_lab(fleet(second=host("HV02", migration_enabled=False)), has_tls=False)
    client = await connect(lab)
    result = await client.run(*move())
    assert (result.ids, result.errors[0].category) == ([f"OperationFailed,{CLASS}"], 7)
    assert [record.activity for record in result.progress] == ["Preparing modules for first use."]
    assert (await client.run(JOBS)).output == []


async def test_without_delegated_credentials_the_destination_is_out_of_reach(lab: Any, connect: Any) -> None:
    """An NTLM logon on the source cannot open the cmdlet's own session to the destination."""
    client = await connect(lab, auth="ntlm", encryption="auto")
    result = await client.run(*move())
    assert result.ids == [f"AccessDenied,{CLASS}"]
    assert "0x80070005" in result.texts[0]


async def test_hop_b_fails_with_its_own_code(open_lab: Any, connect: Any) -> None:
    """Between the services: no credentials in the security package."""
    pairs = (Delegation(source="HV01", destination="HV02", migration=False),)
    kerberos = {"authentication": MigrationAuthentication.Kerberos}
    lab = await open_lab(
        fleet(first=host("HV01", **kerberos), second=host("HV02", **kerberos), delegation=pairs), has_tls=False
    )
    result = await run_to_end(await connect(lab), lab)
    assert "0x8009030E" in result.texts[0]


@pytest.mark.parametrize("how", ["stop", "close", "vanish"])
async def test_nothing_but_the_job_ends_a_move(client: Client, lab: Any, connect: Any, how: str) -> None:
    """Stopping the pipeline, deleting the shell, dropping the connection: the move goes on to its end."""
    shell = await begin(client, lab)
    ends: dict[str, Callable[[], Any]] = {
        "stop": shell.stop,
        "close": client.pool.close,
        "vanish": client.connection.close,
    }
    await client.call(ends[how])
    lab.jump(240)  # the move takes about two minutes; its job is listed for five more
    assert lab.world.where_is(WEB01) == "HV02"
    other = await connect(lab)
    assert [job.extended_properties["JobState"] for job in (await other.run(JOBS, select("JobState"))).output] == [7]


async def test_a_job_is_listed_on_the_source_and_cancelled_there(client: Client, lab: Any, connect: Any) -> None:
    """Msvm_MigrationJob by the VM's id in upper case; RequestStateChange 4 ends it, asynchronously."""
    shell = await begin(client, lab)
    other = await connect(lab)
    wanted = (JOBS[0], {**JOBS[1], "Filter": f"VirtualSystemName='{str(WEB01).upper()}'"})
    names = ("VirtualSystemName", "JobType", "MigrationType", "JobState", "Cancellable", "Name", "DestinationHost")
    assert (await other.run(wanted, select(*names))).only == {
        "VirtualSystemName": str(WEB01).upper(),
        "JobType": 306,
        "MigrationType": 32771,
        "JobState": 4,
        "Cancellable": True,
        "Name": "Moving Virtual Machine and Storage",
        "DestinationHost": "HV02",
    }
    cancel = {"MethodName": "RequestStateChange", "Arguments": {"RequestedState": TaggedValue("U16", 4)}}
    answer = await other.run(wanted, ("Invoke-CimMethod", cancel), select("ReturnValue"))
    assert answer.only["ReturnValue"] in (0, 4096)
    lab.jump(60)
    result = await client.call(lambda: client.finish(shell))
    assert len(result.errors) == 1
    assert lab.world.where_is(WEB01) == "HV01"
    destination = await connect(lab, "HV02")
    assert (await destination.run(JOBS)).output == []


async def test_an_off_vm_stays_off_while_it_moves(open_lab: Any, connect: Any) -> None:
    """State Off, InService and MigratingVirtualMachine or a storage phase."""
    off = vm(2, "off", state=VMState.Off)
    lab = await open_lab(fleet(off), has_tls=False)
    client = await connect(lab)
    await begin(client, lab, *move(off.id))
    lab.jump(3)
    found = (await (await connect(lab)).run(("Get-VM", {"Id": off.id}), select("State", "OperationalStatus"))).only
    assert found["State"].to_string == "Off"
    assert found["OperationalStatus"][0].to_string == "InService"


async def test_the_planned_vm_is_found_by_id_only(client: Client, lab: Any, connect: Any) -> None:
    """On the destination, while the move runs."""
    await begin(client, lab)
    lab.jump(5)
    other = await connect(lab, "HV02")
    assert (await other.run("Get-VM")).output == []
    found = (await other.run(("Get-VM", {"Id": WEB01}), select("VirtualMachineType"))).only
    assert found["VirtualMachineType"].property_sets == [4]


async def test_vhds_move_disks_to_different_places(open_lab: Any, connect: Any) -> None:
    """-VirtualMachinePath and -Vhds: a hashtable for each disk."""
    disks = tuple(Disk(path=f"D:\\{n}\\data.vhdx", size_bytes=GB, controller_location=n) for n in (1, 2))
    lab = await open_lab(fleet(vm(2, "two", disks=disks)), has_tls=False)
    pairs = [{"SourceFilePath": d.path, "DestinationFilePath": d.path.replace("D:", "D:\\new")} for d in disks]
    parameters = {"DestinationHost": "HV02", "VirtualMachinePath": "D:\\new", "Vhds": pairs}
    result = await run_to_end(await connect(lab), lab, ("Get-VM", {"Name": "two"}), ("Move-VM", parameters))
    assert result.errors == []
    assert [d.path for d in lab.world.vm("HV02", vm(2, "two").id).disks] == [p["DestinationFilePath"] for p in pairs]


async def test_compare_vm_reports_and_leaves_a_planned_vm(open_lab: Any, connect: Any) -> None:
    """A missing switch is MessageId 33012; the destination has a planned VM afterwards."""
    lab = await open_lab(fleet(second=host("HV02", switches=("Other",))), has_tls=False)
    client = await connect(lab)
    find, (_, parameters) = move()
    result = await client.run(
        find, ("Compare-VM", parameters), select("OperationType", "Destination", "Incompatibilities")
    )
    (found,) = result.only["Incompatibilities"]
    assert result.only["OperationType"].to_string == "MoveVirtualMachineAndStorage"
    assert found.adapted_properties["MessageId"] == 33012
    assert found.adapted_properties["Message"] == "Could not find Ethernet switch 'Production'."
    assert lab.world.vm("HV02", WEB01).is_planned


async def test_a_report_can_be_carried_out(client: Client, lab: Any) -> None:
    """`Compare-VM | Move-VM` runs the move the report planned."""
    find, (_, parameters) = move()
    result = await run_to_end(client, lab, find, ("Compare-VM", parameters), "Move-VM")
    assert (result.errors, lab.world.where_is(WEB01)) == ([], "HV02")


async def test_a_vm_in_backup_is_in_use(client: Client, lab: Any) -> None:
    """The default answer of the lab to a question nobody has settled."""
    lab.world.start_backup(WEB01)
    result = await client.run(*move())
    assert (result.ids, result.errors[0].category) == ([f"ObjectInUse,{CLASS}"], 19)


async def test_a_pipeline_may_lie(client: Client, lab: Any) -> None:
    """Done, but told it failed: the VM has moved."""
    lab.world.order(MoveFault(vm=WEB01, kind=MoveFaultKind.SAYS_FAILED))
    result = await run_to_end(client, lab)
    assert len(result.errors) == 1
    assert lab.world.where_is(WEB01) == "HV02"


async def test_a_delayed_refusal_takes_its_time(open_lab: Any, connect: Any) -> None:
    """With the switch set, the job over the limit waits and fails then."""
    slow = host("HV01", live_limit=0, quirks=Quirks(limit_refusal_delay_s=120))
    lab = await open_lab(fleet(first=slow), has_tls=False)
    client = await connect(lab)
    shell = await begin(client, lab)
    assert not lab.world.migrations()[0].is_done
    lab.jump(121)
    assert "limit" in (await client.call(lambda: client.finish(shell))).texts[0]


@pytest.mark.parametrize(
    ("parameters", "error_id"),
    [
        ({"DestinationHost": "HV02", "Force": None}, "NamedParameterNotFound"),
        ({"DestinationHost": "HV02", "IncludeStorage": None, "VirtualMachinePath": "D:\\x"}, "AmbiguousParameterSet"),
        ({"DestinationHost": "HV02", "D": "x"}, "AmbiguousParameter"),
        ({"DestinationHost": "HV02", "Vhds": "x"}, "CannotConvertArgumentNoMessage"),
    ],
)
async def test_wrong_parameters_fail_the_pipeline(
    client: Client, lab: Any, parameters: dict[str, Any], error_id: str
) -> None:
    """Unknown, mixed and ambiguous parameters: the pipeline fails before anything runs."""
    result = await client.run(("Get-VM", {"Id": WEB01}), ("Move-VM", parameters))
    assert (result.state, result.ids) == (5, [f"{error_id},{CLASS}"])
    assert lab.world.migrations() == ()
