"""Checks a filled-in request form: it becomes the same command as a typed one, or errors by field. Pure.

Slack waits 3 s for the answer to a submitted form, so nothing is looked up here that is not at hand.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from bot.commands import option_values
from bot.commands.model import Migrate, write
from bot.commands.option_values import BadValue
from bot.messages.mrkdwn import one_line
from bot.modals import request_form as form
from core.config import MigrationSettings, Settings
from core.domain.model import windows_paths
from core.domain.model.folder_names import why_refused
from core.domain.model.inventory import Vm
from core.domain.model.plan import Options

_T = TypeVar("_T")
_FARTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormValues:
    """The values of a filled-in form; ``vms`` are ids, patterns or ``all``, times are seconds since 1970."""

    source: str = ""
    vms: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    path: str = ""
    parallel: str = ""
    attempts: str = ""
    backup_wait: str = ""
    flags: frozenset[str] = frozenset()
    start_s: int | None = None
    until_s: int | None = None
    reason: str = ""
    override: str = ""
    vms_block: str = form.VMS


Errors = dict[str, str]
"""What is wrong, by the ``block_id`` of the field."""


def check_form(values: FormValues, settings: Settings, inventory: Sequence[Vm], now: datetime) -> Migrate | Errors:
    """Make the command of a form, or say what is wrong with which field."""
    errors: Errors = {}
    if values.source not in settings.hosts:
        errors[form.SOURCE] = "Choose a host."
    _check_vms(values, inventory, errors)
    _check_destinations(values, settings, errors)
    made = _options(values, settings.migration, now, errors)
    if errors:
        return errors
    command = Migrate(
        vms=_typed(values.vms, inventory),
        sources=(values.source,),
        destinations=values.destinations,
        path=_path(values),
        options=made,
    )
    return replace(command, text=write(command))


def _check_vms(values: FormValues, inventory: Sequence[Vm], errors: Errors) -> None:
    if not values.vms:
        errors[values.vms_block] = "Choose at least one VM."
    known = {str(vm.id) for vm in inventory}
    strangers = [value for value in values.vms if _is_id(value) and value not in known]
    if known and strangers:
        count = "One of these VMs is" if len(strangers) == 1 else f"{len(strangers)} of these VMs are"
        errors[values.vms_block] = f"{count} not on {values.source} any more; choose again."


def _check_destinations(values: FormValues, settings: Settings, errors: Errors) -> None:
    if not values.destinations or set(values.destinations) - set(settings.hosts):
        errors[form.DESTINATIONS] = "Choose at least one host."
    elif values.source in values.destinations:
        errors[form.DESTINATIONS] = f"{values.source} is where the VMs are; choose another host."
    path = _path(values)
    without = [host for host in values.destinations if host in settings.hosts and not settings.hosts[host].path]
    if path and (why_refused(path) or windows_paths.depth(path) < 1):
        errors[form.PATH] = "Write a full folder, such as D:\\VMs."
    elif not path and without:
        errors[form.PATH] = f"Name a folder: the settings have none for {' and '.join(without[:5])}."


def _options(values: FormValues, migration: MigrationSettings, now: datetime, errors: Errors) -> Options:
    def read(block_id: str, text: str, reading: Callable[[str, str], _T], nothing: _T) -> _T:
        if not text.strip():
            return nothing
        try:
            return reading(block_id, text.strip())
        except BadValue as bad:
            errors[block_id] = bad.sentence
            return nothing

    parallel: int = read(form.PARALLEL, values.parallel, option_values.whole, 0)
    attempts: int | None = read(form.ATTEMPTS, values.attempts, option_values.whole, None)
    wait_s: float | None = read(form.BACKUP_WAIT, values.backup_wait, option_values.wait_s, None)
    start, until = _moment(values.start_s), _moment(values.until_s)
    if start is not None:
        _check_moment(form.START, start, now, errors)
    if until is not None:
        _check_moment(form.UNTIL, until, now, errors)
        if start is not None and until <= start:
            errors[form.UNTIL] = "This is before the start."
    return Options(
        parallel=parallel,
        attempts=attempts,
        backup_wait_s=wait_s,
        subfolder=_flag(values, form.SUBFOLDER, migration.put_in_subfolder),
        keep_drives=_flag(values, form.KEEP_DRIVES, migration.preserve_drive_letters),
        fail_fast=_flag(values, form.FAIL_FAST, migration.fail_fast),
        ignore_backups=_flag(values, form.IGNORE_BACKUPS, not migration.around_backups),
        start_at=start,
        until=until,
        reason=one_line(values.reason),
        override=one_line(values.override),
    )


def _flag(values: FormValues, name: str, usual: bool) -> bool | None:  # noqa: FBT001 - compared with another boolean
    is_on = name in values.flags
    return None if is_on is usual else is_on


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _check_moment(block_id: str, at: datetime, now: datetime, errors: Errors) -> None:
    if at <= now:
        errors[block_id] = "This time is over; choose one to come."
    elif at - now > _FARTHEST:
        errors[block_id] = "Choose a time within a year."


def _path(values: FormValues) -> str:
    return values.path.strip().strip('"').strip()


def _typed(vms: Sequence[str], inventory: Sequence[Vm]) -> tuple[str, ...]:
    """Write VMs as a person would: by name where the name says which, by id where it does not."""
    count = Counter(vm.name.casefold() for vm in inventory)
    names: Mapping[str, str] = {
        str(vm.id): vm.name for vm in inventory if count[vm.name.casefold()] == 1 and _is_plain(vm.name)
    }
    return tuple(dict.fromkeys(names.get(value, value) for value in vms))


def _is_plain(name: str) -> bool:
    return name == one_line(name) != "" and name.casefold() != "all" and not _is_id(name) and '"' not in name


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
