"""Looks after the database: copies it, puts a copy in its place, and removes what is old. All of it is audited."""

import argparse
import os
from collections.abc import Awaitable, Callable

from bot.audit_log import Asked, AuditLog
from bot.control_socket import own_name
from bot.handlers.machine_orders import ordered_by
from bot.log_setup import start_logging
from bot.messages.visible import visible
from bot.metrics import Counters
from bot.upkeep import back_up, purge, put_back, restore
from core.config import Settings
from core.domain.model.units import span
from core.errors import MigrateBotError

_NEW_ID = (
    "It has a new id: buttons of before get an answer instead of acting on the wrong job, and what was not yet told is "
    "told only if Slack does not show it already."
)


async def write_backup(settings: Settings, options: argparse.Namespace) -> int:
    """Copy the database."""

    async def work() -> str:
        back_up(settings, options.file)
        return f"{options.file} is written. It holds who asked for what, and why: keep it private."

    return await _audited(settings, Asked(what="backup", text=str(options.file)), work)


async def read_backup(settings: Settings, options: argparse.Namespace) -> int:
    """Make a copy the database."""

    async def work() -> str:
        kept = await restore(settings, options.file)
        before = f" The one before is kept as {kept}." if kept else ""
        return f"The database is what {options.file} holds.{before} {_NEW_ID}"

    return await _audited(settings, Asked(what="restore", text=str(options.file)), work, makes_a_database=True)


async def note_restored(settings: Settings, _: argparse.Namespace) -> int:
    """Note that the database was put back from a copy by other means."""

    async def work() -> str:
        await put_back(settings)
        return f"The database counts as put back. {_NEW_ID}"

    return await _audited(settings, Asked(what="restored"), work)


async def remove_old(settings: Settings, options: argparse.Namespace) -> int:
    """Remove jobs that ended long ago."""

    async def work() -> str:
        removed = await purge(settings, options.older_than)
        jobs = "1 job is" if removed == 1 else f"{removed} jobs are"
        return f"{jobs} in the history file now and no longer in the database."

    return await _audited(settings, Asked(what="purge", text=f"older than {span(options.older_than)}"), work)


async def _audited(
    settings: Settings, asked: Asked, work: Callable[[], Awaitable[str]], *, makes_a_database: bool = False
) -> int:
    """Do it, and say what came of it: to who asked and in the audit log, without which nothing is done."""
    file = settings.store.file
    if file is not None and not file.exists() and not makes_a_database:
        print(visible(await work()))  # it says that there is no database here, and leaves nothing here either
        return 0
    start_logging(settings, level="error", audit_file=settings.audit_file)
    audit, by = AuditLog(Counters()), ordered_by(own_name(), os.environ.get("SUDO_USER", ""))
    audit.asked(asked, by)
    try:
        said = await work()
    except MigrateBotError as error:
        audit.refused(asked, by, error)
        raise
    audit.done(asked, by, said)
    print(visible(said))
    return 0
