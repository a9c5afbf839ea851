"""Reads the payloads of the form that asks for a migration (docs: view payloads, state.values)."""

from collections.abc import Mapping
from typing import Any

from bot.listeners.payloads import Body, read_field, read_metadata
from bot.modals import request_form as form
from bot.modals.request_form import About
from bot.modals.request_values import FormValues


def read_form_values(body: Body) -> FormValues:
    """Read everything that was filled in. Only values are trusted: labels come back escaped."""
    vms_block, vms = _vms(body)
    return FormValues(
        source=read_source(body),
        vms=vms,
        destinations=_chosen(_value(body, form.DESTINATIONS, form.PICK_DESTINATIONS)),
        path=read_field(body, form.PATH, form.FIELD),
        parallel=read_field(body, form.PARALLEL, form.FIELD),
        attempts=read_field(body, form.ATTEMPTS, form.FIELD),
        backup_wait=read_field(body, form.BACKUP_WAIT, form.FIELD),
        flags=frozenset(_chosen(_value(body, form.FLAGS, form.FIELD))),
        start_s=_seconds(_value(body, form.START, form.FIELD)),
        until_s=_seconds(_value(body, form.UNTIL, form.FIELD)),
        reason=read_field(body, form.REASON, form.FIELD),
        override=read_field(body, form.OVERRIDE, form.FIELD),
        vms_block=vms_block,
    )


def read_source(body: Body) -> str:
    """Read the source chosen now; while somebody types into another field Slack may leave it out of the state."""
    chosen = _value(body, form.SOURCE, form.PICK_SOURCE).get("selected_option") or {}
    return str(chosen.get("value") or About.unpack(read_metadata(body)).source)


def read_choices(body: Body, block_id: str, action_id: str) -> tuple[str, ...]:
    """Read what was chosen in a menu, of one choice or of several."""
    value = _value(body, block_id, action_id)
    one = value.get("selected_option")
    return (str(one.get("value")),) if one else _chosen(value)


def read_about(body: Body) -> About:
    """Read where the form was opened, and the source chosen now."""
    return About(About.unpack(read_metadata(body)).channel, read_source(body))


def _values(body: Body) -> Mapping[str, Any]:
    return ((body.get("view") or {}).get("state") or {}).get("values") or {}


def _value(body: Body, block_id: str, action_id: str) -> Mapping[str, Any]:
    return (_values(body).get(block_id) or {}).get(action_id) or {}


def _vms(body: Body) -> tuple[str, tuple[str, ...]]:
    """Find the field of the VMs, whose ``block_id`` names the source it was made for."""
    for block_id, actions in _values(body).items():
        if form.PICK_VMS in actions:
            return str(block_id), _chosen(actions[form.PICK_VMS] or {})
    return form.VMS, ()


def _chosen(value: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(option.get("value")) for option in value.get("selected_options") or ())


def _seconds(value: Mapping[str, Any]) -> int | None:
    seconds = value.get("selected_date_time")
    return int(seconds) if isinstance(seconds, int | str) and str(seconds).isdecimal() else None
