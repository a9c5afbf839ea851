"""The form that asks for a migration: its fields. Pure.

The VMs' field names the source host in its ``block_id``: another source makes another field, so that VMs chosen before
do not stay chosen (docs: views.update keeps what was typed where the ids stay the same).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages.blocks import Block, context, plain_text
from bot.messages.mrkdwn import code
from core.config import Settings

FORM = "migrate_form"
"""The callback_id of the form, and of the global shortcut that opens it."""

SOURCE, VMS, DESTINATIONS, PATH = "source", "vms", "destinations", "path"
PARALLEL, ATTEMPTS, BACKUP_WAIT, FLAGS = "parallel", "attempts", "backup-wait", "flags"
START, UNTIL, REASON, OVERRIDE = "at", "until", "reason", "override"
FIELD = "value"
"""Every input's action_id but those of the menus below, whose suggestions and changes the bot hears of."""
PICK_SOURCE, PICK_VMS, PICK_DESTINATIONS = "migrate_form_source", "migrate_form_vms", "migrate_form_destinations"

SUBFOLDER, KEEP_DRIVES, FAIL_FAST, IGNORE_BACKUPS = "subfolder", "keep-drives", "fail-fast", "ignore-backups"
OPTIONS_LIMIT = 100
"""Options of one menu, listed or suggested (docs: select menu element)."""
_REASON_LIMIT = 300
_PATH_LIMIT = 1000
_LABEL_LIMIT = 75


@dataclass(frozen=True, slots=True)
class About:
    """The metadata of the form: the channel where it was opened, and the source chosen so far."""

    channel: str = ""
    source: str = ""

    def pack(self) -> str:
        """Write it as the form's metadata."""
        return json.dumps([self.channel, self.source])

    @classmethod
    def unpack(cls, text: str) -> "About":
        """Read it back; what is not ours is nothing."""
        try:
            channel, source = map(str, json.loads(text))
        except (ValueError, TypeError):
            return cls()
        return cls(channel, source)


def option(label: str, value: str, description: str = "") -> Block:
    """Make one option of a menu; its label is shown as it is."""
    made: Block = {"text": plain_text(label, _LABEL_LIMIT), "value": value}
    if description:
        made["description"] = plain_text(description, _LABEL_LIMIT)
    return made


def request_form(settings: Settings, about: About) -> Block:
    """Show the form. It needs no host and nothing of the database, so it opens at once."""
    hosts = list(settings.hosts)
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": about.pack(),
        "title": plain_text("Move VMs", 24),
        "submit": plain_text("Look at the plan", 24),
        "close": plain_text("Cancel", 24),
        "blocks": [
            _source(hosts, about.source),
            _vms(about.source),
            _destinations(hosts),
            _text(PATH, "Folder on the destination", hint=_path_hint(settings), limit=_PATH_LIMIT, sample="D:\\VMs"),
            _moment(START, "Start", "Empty: as soon as it is approved."),
            _moment(UNTIL, "Should be done by", "You are warned as soon as it no longer fits."),
            _flags(settings),
            _text(PARALLEL, "VMs at a time", hint=_parallel_hint(settings), limit=6),
            _text(ATTEMPTS, "Attempts per VM", hint=f"Empty: {settings.migration.max_attempts}.", limit=6),
            _text(BACKUP_WAIT, "Wait for a backup", hint="Such as 90s or 1h30m. Empty: as the settings say.", limit=20),
            _text(REASON, "Reason", hint="Whoever approves sees it.", limit=_REASON_LIMIT),
            *_override(settings),
            context(f"The same, typed: {code(settings.slack.command + ' help')}"),
        ],
    }


def _override(settings: Settings) -> list[Block]:
    if not settings.freeze.windows:
        return []
    windows = f"{', '.join(settings.freeze.windows)} ({settings.freeze.zone})"
    hint = f"Why moves may start although they are frozen {windows}. Empty: they wait."
    return [_text(OVERRIDE, "Override the freeze", hint=hint[:2000], limit=_REASON_LIMIT)]


def vms_block(source: str) -> str:
    """Name the field of the VMs of a source."""
    return f"{VMS} {source}".strip()


def _input(block_id: str, label: str, element: Block, *, hint: str = "", is_optional: bool = True) -> Block:
    made: Block = {"type": "input", "block_id": block_id, "label": plain_text(label, 2000), "element": element}
    if hint:
        made["hint"] = plain_text(hint, 2000)
    if is_optional:
        made["optional"] = True
    return made


def _source(hosts: Sequence[str], chosen: str) -> Block:
    element = _host_menu(hosts, PICK_SOURCE, "Host")
    if chosen:
        element["initial_option"] = option(chosen, chosen)
    made = _input(SOURCE, "From", element, is_optional=False)
    # Told at once, so that the VMs' field offers those of this host.
    made["dispatch_action"] = True
    return made


def _vms(source: str) -> Block:
    return _input(
        vms_block(source),
        "VMs",
        {
            "type": "multi_external_select",
            "action_id": PICK_VMS,
            "placeholder": plain_text("Type a name, a pattern such as SRVSP*, or all", 150),
            "min_query_length": 0,
        },
        is_optional=False,
    )


def _destinations(hosts: Sequence[str]) -> Block:
    element = _host_menu(hosts, PICK_DESTINATIONS, "One or more hosts")
    element["type"] = f"multi_{element['type']}"
    return _input(DESTINATIONS, "To", element, is_optional=False)


def _host_menu(hosts: Sequence[str], action_id: str, placeholder: str) -> Block:
    """List the hosts; more than a menu can list are searched for instead."""
    menu: Block = {"action_id": action_id, "placeholder": plain_text(placeholder, 150)}
    if 0 < len(hosts) <= OPTIONS_LIMIT:
        return menu | {"type": "static_select", "options": [option(host, host) for host in hosts]}
    return menu | {"type": "external_select", "min_query_length": 0}


def _text(block_id: str, label: str, *, hint: str, limit: int, sample: str = "") -> Block:
    element: Block = {"type": "plain_text_input", "action_id": FIELD, "max_length": limit}
    if sample:
        element["placeholder"] = plain_text(sample, 150)
    return _input(block_id, label, element, hint=hint)


def _moment(block_id: str, label: str, hint: str) -> Block:
    return _input(block_id, label, {"type": "datetimepicker", "action_id": FIELD}, hint=hint)


def _flags(settings: Settings) -> Block:
    migration = settings.migration
    choices = {
        SUBFOLDER: ("A folder of its own for each VM", migration.put_in_subfolder),
        KEEP_DRIVES: ("Each disk to the drive letter it has now", migration.preserve_drive_letters),
        FAIL_FAST: ("Start nothing more after a failure", migration.fail_fast),
        IGNORE_BACKUPS: ("Start whatever backups are expected", not migration.around_backups),
    }
    element: Block = {
        "type": "checkboxes",
        "action_id": FIELD,
        "options": [option(label, value) for value, (label, _) in choices.items()],
    }
    if on := [option(label, value) for value, (label, is_on) in choices.items() if is_on]:
        element["initial_options"] = on
    return _input(FLAGS, "Options", element)


def _path_hint(settings: Settings) -> str:
    without = [name for name, host in settings.hosts.items() if not host.path]
    if not without:
        return "Empty: the folder set for that host."
    return f"Empty: the folder set for that host. These have none: {', '.join(without[:10])}."


def _parallel_hint(settings: Settings) -> str:
    usual = settings.migration.max_parallel
    return f"Empty: {usual}. The hosts' own limits hold anyway." if usual else "Empty: as many as the hosts allow."
