"""The control API: HTTP and JSON on localhost, to see everything in the lab and to order faults.

| call | body | does |
|---|---|---|
| GET /state, /hosts, /vms, /migrations, /ledger, /trouble | | shows |
| GET /changes | | streams all of it as server-sent events, whenever something is different |
| GET /folders?host=HV01 | | lists every file and folder of a host |
| PATCH /hosts/{name} | fields of a host | changes limits, switches, bandwidth, quirks… |
| POST /vms | a VM | creates it |
| PATCH /hosts/{name}/vms/{id} | fields of a VM | changes its state, ISO, replication… |
| DELETE /hosts/{name}/vms/{id} | | removes it |
| POST /migrations | vm, destination, path, kind, owner | starts somebody else's migration |
| POST /migrations/cancel | host, instance_id | cancels a job |
| POST /backups | vm, duration_s, variant, merge_s | starts a backup; DELETE /backups/{id} ends it |
| POST /backups/nightly | at_s, vms, duration_s, jitter_s, at_once | backs up every night; DELETE ends that |
| POST /merges | vm, duration_s | lets disks merge |
| POST /statuses | host, vm, status | shows these one or two operational statuses until null |
| POST /files | host, path, size_bytes, is_folder, is_hidden | puts a file somewhere |
| POST /vmms/restart | host, away_s | restarts the Virtual Machine Management Service |
| POST /volumes/fill | host, path, free_bytes | takes or gives back space |
| POST /trouble | on = "move", "wire" or "value", and its fields | orders trouble; DELETE /trouble ends all |

A body that does not fit is answered with 400 and one sentence; an unknown host or VM with 404.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from aiohttp import web

from lab.hyperv.world.dump import plain
from lab.hyperv.world.errors import UnknownHost, UnknownVM, WorldError
from lab.hyperv.world.faults import MoveFault, ValueFault, WireFault
from lab.hyperv.world.fleet import VM, BackupVariant, BackupWindow, MigrationKind
from lab.hyperv.world.moves import MoveRequest
from lab.hyperv.world.strict import BadDescription, Number, PositiveCount, Size, read_as
from lab.hyperv.world.world import World

_LOCALHOST = "127.0.0.1"
_SHUTDOWN_S = 1.0
_TERMINATE = 4
_LOOK_S = 0.5

WORLD = web.AppKey("world", World)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# What trouble can be on; a new kind of target is one line here.
_FAULTS: dict[str, type[MoveFault] | type[WireFault] | type[ValueFault]] = {
    "move": MoveFault,
    "wire": WireFault,
    "value": ValueFault,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Migration:
    """A migration that somebody else starts."""

    vm: UUID
    destination: str = ""
    source: str | None = None
    path: str | None = None
    kind: MigrationKind = MigrationKind.LIVE_AND_STORAGE
    owner: str = "CONTOSO\\alice"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cancel:
    """A cancel of a migration job."""

    host: str
    instance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backup:
    """A backup of a VM."""

    vm: UUID
    duration_s: Number | None = None
    variant: BackupVariant = BackupVariant.A
    merge_s: Number = 0.0
    makes_recovery_checkpoint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nightly:
    """Backups every night: the first after `at_s` lab seconds; of all VMs if none are named."""

    at_s: Number
    vms: tuple[UUID, ...] = ()
    duration_s: Number = 1200.0
    jitter_s: Number = 300.0
    at_once: PositiveCount = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Merge:
    """A merge of a VM's disks."""

    vm: UUID
    duration_s: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    """An operational status that a VM shows."""

    host: str
    vm: UUID
    status: tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file or folder to be made."""

    host: str
    path: str
    size_bytes: Size = 0
    is_folder: bool = False
    is_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Restart:
    """A restart of a host's Virtual Machine Management Service."""

    host: str
    away_s: Number = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fill:
    """A volume to be filled."""

    host: str
    path: str
    free_bytes: Size


def control_app(world: World, more: Iterable[web.RouteDef] = ()) -> web.Application:
    """Return the control API of a world, and what else is to be answered there, as an aiohttp application."""
    app = web.Application(middlewares=[_answer_errors])
    app[WORLD] = world
    app.router.add_get("/changes", _changes)
    app.router.add_get("/folders", _folders)
    for name in ("state", "hosts", "vms", "migrations", "ledger", "trouble"):
        app.router.add_get(f"/{name}", _shown(name))
    app.router.add_patch("/hosts/{host}", _change_host)
    app.router.add_post("/vms", _create_vm)
    app.router.add_patch("/hosts/{host}/vms/{vm}", _change_vm)
    app.router.add_delete("/hosts/{host}/vms/{vm}", _remove_vm)
    app.router.add_post("/migrations", _migrate)
    app.router.add_post("/migrations/cancel", _cancel)
    app.router.add_post("/backups", _back_up)
    app.router.add_post("/backups/nightly", _back_up_nightly)
    app.router.add_delete("/backups/nightly", _end_nightly)
    app.router.add_delete("/backups/{vm}", _end_backup)
    app.router.add_post("/merges", _merge)
    app.router.add_post("/statuses", _force_status)
    app.router.add_post("/files", _add_file)
    app.router.add_post("/vmms/restart", _restart)
    app.router.add_post("/volumes/fill", _fill)
    app.router.add_post("/trouble", _make_trouble)
    app.router.add_delete("/trouble", _end_trouble)
    app.add_routes(more)
    return app


async def serve_control(world: World, port: int = 0, more: Iterable[web.RouteDef] = ()) -> tuple[web.AppRunner, int]:
    """Serve the control API on localhost only; return the runner, to be cleaned up, and the port."""
    runner = web.AppRunner(control_app(world, more), access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    site = web.TCPSite(runner, _LOCALHOST, port)
    await site.start()
    return runner, runner.addresses[0][1]


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (UnknownHost, UnknownVM) as error:
        return web.json_response({"error": str(error)}, status=404)
    except (BadDescription, WorldError) as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        return web.json_response({"error": f"{error.reason}: {request.method} {request.path}."}, status=error.status)


def _shown(name: str) -> Handler:
    async def show(request: web.Request) -> web.Response:
        truth = request.app[WORLD].truth()
        return web.json_response(truth if name == "state" else truth[name])

    return show


async def _changes(request: web.Request) -> web.StreamResponse:
    """Stream the whole truth whenever it is different. The world knows no events, so it is looked at."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    told: dict[str, Any] = {}
    with suppress(ConnectionError):  # the reader went away
        while True:
            truth = request.app[WORLD].truth()
            seen = {**truth, "time_s": 0}
            if seen != told:
                told = seen
                await response.write(f"event: state\ndata: {json.dumps(truth)}\n\n".encode())
            await asyncio.sleep(_LOOK_S)
    return response


async def _folders(request: web.Request) -> web.Response:
    host = request.query.get("host")
    if host is None:
        raise BadDescription("folders: which host? Ask /folders?host=HV01.")
    return web.json_response([asdict(entry) for entry in request.app[WORLD].all_entries(host)])


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise BadDescription("the body must be JSON.") from None
    if not isinstance(body, dict):
        raise BadDescription("the body must be a JSON object.")
    return body


def _vm_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["vm"])
    except ValueError:
        raise BadDescription(f"{request.match_info['vm']!r} is no VM id.") from None


async def _change_host(request: web.Request) -> web.Response:
    view = request.app[WORLD].change_host(request.match_info["host"], await _body(request))
    return web.json_response(plain(asdict(view)))


async def _create_vm(request: web.Request) -> web.Response:
    request.app[WORLD].create_vm(read_as(VM, await _body(request), "VM"))
    return web.json_response({}, status=201)


async def _change_vm(request: web.Request) -> web.Response:
    request.app[WORLD].change_vm(request.match_info["host"], _vm_id(request), await _body(request))
    return web.json_response({})


async def _remove_vm(request: web.Request) -> web.Response:
    request.app[WORLD].remove_vm(request.match_info["host"], _vm_id(request))
    return web.json_response({})


async def _migrate(request: web.Request) -> web.Response:
    wanted = read_as(_Migration, await _body(request), "migration")
    world = request.app[WORLD]
    migration = world.start_move(
        MoveRequest(
            vm_id=wanted.vm,
            source=wanted.source or world.where_is(wanted.vm),
            destination=wanted.destination,
            owner=wanted.owner,
            kind=wanted.kind,
            storage_path=wanted.path,
        )
    )
    return web.json_response(migration.as_data(world.time_s), status=201)


async def _cancel(request: web.Request) -> web.Response:
    wanted = read_as(_Cancel, await _body(request), "cancel")
    code = request.app[WORLD].request_state_change(wanted.host, wanted.instance_id, _TERMINATE)
    return web.json_response({"return_value": code})


async def _back_up(request: web.Request) -> web.Response:
    wanted = read_as(_Backup, await _body(request), "backup")
    request.app[WORLD].start_backup(
        wanted.vm,
        wanted.duration_s,
        wanted.variant,
        wanted.merge_s,
        makes_recovery_checkpoint=wanted.makes_recovery_checkpoint,
    )
    return web.json_response({}, status=201)


async def _back_up_nightly(request: web.Request) -> web.Response:
    wanted, world = read_as(_Nightly, await _body(request), "nightly backups"), request.app[WORLD]
    world.advance()
    everybody = (vm.id for host in world.host_names() for vm in world.vms(host))
    window = BackupWindow(
        start_s=world.time_s + wanted.at_s,
        vms=wanted.vms or tuple(dict.fromkeys(everybody)),
        duration_s=wanted.duration_s,
        jitter_s=wanted.jitter_s,
        at_once=wanted.at_once,
    )
    world.switch_nightly_backups(window)
    return web.json_response({}, status=201)


async def _end_nightly(request: web.Request) -> web.Response:
    request.app[WORLD].switch_nightly_backups(None)
    return web.json_response({})


async def _end_backup(request: web.Request) -> web.Response:
    request.app[WORLD].stop_backup(_vm_id(request))
    return web.json_response({})


async def _merge(request: web.Request) -> web.Response:
    wanted = read_as(_Merge, await _body(request), "merge")
    request.app[WORLD].start_merge(wanted.vm, wanted.duration_s)
    return web.json_response({}, status=201)


async def _force_status(request: web.Request) -> web.Response:
    wanted = read_as(_Status, await _body(request), "status")
    request.app[WORLD].force_status(wanted.host, wanted.vm, wanted.status)
    return web.json_response({})


async def _add_file(request: web.Request) -> web.Response:
    wanted = read_as(_File, await _body(request), "file")
    request.app[WORLD].add_file(
        wanted.host,
        wanted.path,
        size_bytes=wanted.size_bytes,
        is_folder=wanted.is_folder,
        is_hidden=wanted.is_hidden,
    )
    return web.json_response({}, status=201)


async def _restart(request: web.Request) -> web.Response:
    wanted = read_as(_Restart, await _body(request), "restart")
    request.app[WORLD].vmms.restart(wanted.host, wanted.away_s)
    return web.json_response({}, status=201)


async def _fill(request: web.Request) -> web.Response:
    wanted = read_as(_Fill, await _body(request), "fill")
    request.app[WORLD].fill_volume(wanted.host, wanted.path, wanted.free_bytes)
    return web.json_response({})


async def _make_trouble(request: web.Request) -> web.Response:
    body = await _body(request)
    kind = _FAULTS.get(str(body.pop("on", None)))
    if kind is None:
        raise BadDescription(f"trouble: 'on' must be one of {', '.join(_FAULTS)}.")
    request.app[WORLD].order(read_as(kind, body, "trouble"))
    return web.json_response({}, status=201)


async def _end_trouble(request: web.Request) -> web.Response:
    request.app[WORLD].trouble.clear()
    return web.json_response({})
