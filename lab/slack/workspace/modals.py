"""Decides what a modal may look like, what opens on top of what, and what survives when one is replaced."""

import secrets
from typing import Any

from lab.slack.workspace.blocks.check import is_too_large, view_problems
from lab.slack.workspace.blocks.stored import store_view
from lab.slack.workspace.forms import fields, initial_state
from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import RefusalError
from lab.slack.workspace.view import STACK_LIMIT, View
from lab.slack.workspace.workspace import Workspace


def new_hash(workspace: Workspace) -> str:
    return f"{int(workspace.clock.now())}.{secrets.token_hex(4)}"


def checked_definition(definition: Any, kind: str, workspace: Workspace, replacing: View | None = None) -> Json:
    """Return the view as stored; raise RefusalError with Slack's reasons."""
    if not isinstance(definition, dict):
        raise RefusalError("invalid_arguments", ["[ERROR] must be an object [json-pointer:/view]"])
    if is_too_large(definition):
        raise RefusalError("view_too_large")
    if problems := view_problems(definition, kind):
        raise RefusalError("invalid_arguments", problems)
    external_id = definition.get("external_id", "")
    other = workspace.views.by_external_id(external_id) if external_id else None
    if other is not None and other is not replacing:
        raise RefusalError("duplicate_external_id")
    return store_view(definition)


def open_modal(workspace: Workspace, user_id: str, definition: Json) -> View:
    """Open a new root: whatever modals the person had open are gone."""
    for gone in workspace.views.clear(user_id):
        workspace.changed_view("view.closed", gone)
    view_id = workspace.new_id("V")
    view = View(id=view_id, user_id=user_id, definition=definition, hash=new_hash(workspace), root_view_id=view_id)
    view.state = initial_state(view.blocks)
    workspace.views.push(view)
    workspace.changed_view("view.opened", view)
    return view


def push_modal(workspace: Workspace, user_id: str, definition: Json) -> View:
    top = workspace.views.top(user_id)
    if top is None:
        raise RefusalError("not_found")
    if len(workspace.views.stack(user_id)) >= STACK_LIMIT:
        raise RefusalError("push_limit_reached")
    view = View(
        id=workspace.new_id("V"),
        user_id=user_id,
        definition=definition,
        hash=new_hash(workspace),
        root_view_id=top.root_view_id,
        previous_view_id=top.id,
    )
    view.state = initial_state(view.blocks)
    workspace.views.push(view)
    workspace.changed_view("view.opened", view)
    return view


def replace_view(workspace: Workspace, view: View, definition: Json) -> None:
    """Keep what was typed where block_id and action_id stay the same (docs.slack.dev: modals)."""
    typed = view.state
    view.definition = definition
    view.hash = new_hash(workspace)
    view.errors = {}
    view.state = initial_state(view.blocks)
    for block_id, actions in view.state.items():
        for action_id in actions:
            if action_id in typed.get(block_id, {}):
                actions[action_id] = typed[block_id][action_id]
    workspace.changed_view("view.updated", view)


def answer_submission(workspace: Workspace, view: View, payload: Any) -> None:
    """Do what the ack's `response_action` says (docs.slack.dev: modals); raise RefusalError when it makes no sense."""
    views, user_id = workspace.views, view.user_id
    action = payload.get("response_action") if isinstance(payload, dict) else None
    if action is None:
        if views.top(user_id) is view:  # the app may have replaced the stack meanwhile
            views.pop(user_id)
        workspace.changed_view("view.closed", view)
    elif action == "clear":
        for gone in views.clear(user_id):
            workspace.changed_view("view.closed", gone)
    elif action == "errors":
        errors = payload.get("errors")
        inputs = {block["block_id"] for block, _ in fields(view.blocks) if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or set(errors) - inputs:
            raise RefusalError("invalid_errors", ["[ERROR] errors must be keyed by the block_id of an input"])
        view.errors = {str(name): str(text) for name, text in errors.items()}
        workspace.changed_view("view.updated", view)
    elif action == "update":
        replace_view(workspace, view, checked_definition(payload.get("view"), "modal", workspace, view))
    elif action == "push":
        push_modal(workspace, user_id, checked_definition(payload.get("view"), "modal", workspace))
    else:
        raise RefusalError("invalid_response_action", [f"[ERROR] unsupported response_action: {action}"])
