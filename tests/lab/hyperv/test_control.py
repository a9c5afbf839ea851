from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from lab.hyperv.control import control_app, serve_control
from lab.hyperv.world.faults import WireFaultKind
from tests.support.lab_worlds import Lab, lab, vm_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@pytest.fixture
def it() -> Lab:
    return lab()


@pytest.fixture
async def call(it: Lab) -> AsyncIterator[Callable[..., Awaitable[tuple[int, Any]]]]:
    async with TestClient(TestServer(control_app(it.world))) as client:

        async def ask(method: str, url: str, /, **body: Any) -> tuple[int, Any]:
            async with client.request(method, url, json=body or None) as answer:
                return answer.status, await answer.json()

        yield ask


async def test_the_truth_can_be_read_whole_and_in_parts(it: Lab, call: Any) -> None:
    """Every view answers, and no password is in any of them."""
    it.move(1)
    status, state = await call("GET", "/state")
    assert status == 200
    for name in ("hosts", "vms", "migrations", "ledger", "trouble"):
        assert (await call("GET", f"/{name}")) == (200, state[name])
    assert "lab-password" not in str(state)
    assert state["migrations"][0]["vm_name"] == "vm1"
    _, entries = await call("GET", "/folders?host=HV01")
    assert {"path": "D:\\VMs", "is_folder": True, "is_hidden": False, "size_bytes": 0} in entries


async def test_everything_can_be_changed(it: Lab, call: Any) -> None:
    """Hosts, VMs, migrations, backups, merges, files, volumes and trouble: one call each."""
    one, two, three, new = (str(vm_id(n)) for n in (1, 2, 3, 9))
    assert (await call("PATCH", "/hosts/HV01", live_limit=5))[1]["live_limit"] == 5
    assert (await call("POST", "/vms", id=new, name="new", host="HV02"))[0] == 201
    assert (await call("PATCH", f"/hosts/HV02/vms/{new}", state="Off", iso_path=None))[0] == 200
    assert it.world.vms("HV02")[0].state.name == "Off"
    assert (await call("DELETE", f"/hosts/HV02/vms/{new}"))[0] == 200
    assert it.world.vms("HV02") == ()
    status, migration = await call("POST", "/migrations", vm=one, destination="HV02", path="D:\\Theirs")
    assert (status, migration["owner"], migration["phase"]) == (201, "CONTOSO\\alice", "setup")
    cancel = {"host": "HV01", "instance_id": migration["instance_id"]}
    assert (await call("POST", "/migrations/cancel", **cancel)) == (200, {"return_value": 4096})
    assert (await call("POST", "/backups", vm=two, duration_s=60, variant="B"))[0] == 201
    assert len(it.world.vms("HV01")[1].operational_status) == 1
    assert (await call("DELETE", f"/backups/{two}"))[0] == 200
    assert (await call("POST", "/backups/nightly", at_s=3600, jitter_s=60))[0] == 201
    assert (await call("POST", "/backups/nightly", at_s=3600, at_once=0))[0] == 400
    assert (await call("DELETE", "/backups/nightly"))[0] == 200
    assert (await call("POST", "/merges", vm=three, duration_s=60))[0] == 201
    assert it.world.vms("HV01")[2].status == "Merging disks"
    assert (await call("POST", "/statuses", host="HV01", vm=two, status=[11, 32769]))[0] == 200
    assert it.world.vms("HV01")[1].operational_status == (11, 32769)
    assert (await call("POST", "/files", host="HV01", path="D:\\x\\y", is_hidden=True))[0] == 201
    assert (await call("POST", "/volumes/fill", host="HV01", path="D:", free_bytes="1 GB"))[0] == 200
    assert it.world.volumes("HV01")[1].free_bytes == 1 << 30


async def test_trouble_is_ordered_seen_and_ended(it: Lab, call: Any) -> None:
    """Both kinds arrive where they are read; a wire fault counts down as it is met."""
    order = {"on": "wire", "host": "hv01.contoso.com", "kind": "status", "status": 401, "times": 1}
    assert (await call("POST", "/trouble", **order))[0] == 201
    assert (await call("POST", "/trouble", on="move", vm=str(vm_id(1)), kind="stall", at_percent=99))[0] == 201
    assert len((await call("GET", "/trouble"))[1]) == 2
    wire = it.world.trouble.for_host("HV01")
    fault = wire.take("Receive")
    assert fault is not None
    assert (fault.kind, fault.status) == (WireFaultKind.STATUS, 401)
    assert wire.take("Receive") is None
    assert (await call("DELETE", "/trouble"))[0] == 200
    assert (await call("GET", "/trouble")) == (200, [])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("PATCH", "/hosts/HV01", {"colour": "red"}, 400, "host HV01: unknown key 'colour'"),
        ("PATCH", "/hosts/HV01", {"volumes": []}, 400, "volumes of a host cannot change"),
        ("PATCH", "/hosts/HV01", {"quirks": {"x": 1}}, 400, "unknown key 'x'"),
        ("PATCH", "/hosts/HV77", {"live_limit": 1}, 404, "There is no host 'HV77'."),
        ("PATCH", "/hosts/HV01", {}, 400, "the body must be JSON."),
        ("POST", "/vms", {"name": "x"}, 400, "VM: 'id' is missing."),
        ("POST", "/migrations", {"vm": str(vm_id(99)), "destination": "HV02"}, 404, "There is no VM"),
        ("POST", "/migrations", {"vm": str(vm_id(1)), "to": "HV02"}, 400, "migration: unknown key 'to'"),
        ("POST", "/trouble", {"on": "moon"}, 400, "trouble: 'on' must be one of move, wire, value."),
        ("POST", "/trouble", {"on": "wire", "host": "HV77", "kind": "hang"}, 404, "There is no host 'HV77'."),
        ("POST", "/trouble", {"on": "wire", "host": "HV01", "kind": "x"}, 400, "must be one of refuse, drop,"),
        ("DELETE", "/backups/nonsense", {}, 400, "'nonsense' is no VM id."),
        ("DELETE", f"/backups/{vm_id(1)}", {}, 400, "is not being backed up."),
        ("GET", "/folders", {}, 400, "which host?"),
        ("GET", "/nonsense", {}, 404, "Not Found: GET /nonsense."),
    ],
)
async def test_a_wrong_call_is_one_clear_sentence(
    call: Any, *, method: str, path: str, body: dict[str, Any], status: int, text: str
) -> None:
    """Unknown fields, hosts and VMs are named; nothing is guessed."""
    answered, content = await call(method, path, **body)
    assert answered == status
    assert text in content["error"]
    assert content["error"].endswith(".")


async def test_the_control_api_is_served_on_localhost_only(it: Lab) -> None:
    """It can change everything, so nobody else may reach it."""
    runner, port = await serve_control(it.world)
    try:
        assert runner.addresses == [("127.0.0.1", port)]
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/ledger") as answer:
            assert answer.status == 200
    finally:
        await runner.cleanup()
