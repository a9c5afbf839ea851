"""views.*: opens, pushes, updates and publishes what an app wants a person to see."""

from lab.slack.transport.api.registry import Call
from lab.slack.workspace.forms import initial_state
from lab.slack.workspace.messages import Json
from lab.slack.workspace.modals import checked_definition, new_hash, open_modal, push_modal, replace_view
from lab.slack.workspace.refusals import RefusalError
from lab.slack.workspace.view import View


def _definition(call: Call, kind: str, replacing: View | None = None) -> Json:
    if "view" not in call.args:
        raise RefusalError("invalid_arguments", ["[ERROR] missing required field: view"])
    return checked_definition(call.args.json("view"), kind, call.workspace, replacing)


def _answer(call: Call, view: View) -> Json:
    return {"view": view.to_api(call.workspace.directory.team.id, call.workspace.app_fields())}


def views_open(call: Call) -> Json:
    trigger_id = call.args.required("trigger_id")
    definition = _definition(call, "modal")
    trigger = call.grants.use_trigger(trigger_id)
    return _answer(call, open_modal(call.workspace, trigger.user_id, definition))


def views_push(call: Call) -> Json:
    trigger_id = call.args.required("trigger_id")
    definition = _definition(call, "modal")
    trigger = call.grants.use_trigger(trigger_id)
    if not trigger.view_id:  # only an interaction inside a modal can push another one
        raise RefusalError("not_found")
    return _answer(call, push_modal(call.workspace, trigger.user_id, definition))


def views_update(call: Call) -> Json:
    view_id, external_id = call.args.text("view_id"), call.args.text("external_id")
    if not view_id and not external_id:
        raise RefusalError("invalid_arguments", ["[ERROR] missing required field: view_id"])
    views = call.workspace.views
    view = views.find(view_id) if view_id else views.by_external_id(external_id)
    if view is None:
        raise RefusalError("not_found")
    definition = _definition(call, view.type, view)
    if call.args.text("hash") not in {"", view.hash}:
        raise RefusalError("hash_conflict")
    replace_view(call.workspace, view, definition)
    return _answer(call, view)


def views_publish(call: Call) -> Json:
    workspace = call.workspace
    user_id = call.args.required("user_id")
    if user_id not in workspace.users:
        raise RefusalError("invalid_arguments", ["[ERROR] user not found [json-pointer:/user_id]"])
    if not workspace.manifest.features.app_home.home_tab_enabled:
        raise RefusalError("not_enabled")
    before = workspace.views.home(user_id)
    definition = _definition(call, "home", before)
    if before is not None and call.args.text("hash") not in {"", before.hash}:
        raise RefusalError("hash_conflict")
    if before is not None:
        replace_view(workspace, before, definition)
        return _answer(call, before)
    view_id = workspace.new_id("V")
    view = View(id=view_id, user_id=user_id, definition=definition, hash=new_hash(workspace), root_view_id=view_id)
    view.state = initial_state(view.blocks)
    workspace.views.set_home(view)
    workspace.changed_view("home.published", view)
    return _answer(call, view)
