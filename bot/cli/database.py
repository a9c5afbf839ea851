"""Looks after the database: copies it, puts a copy in its place, and removes what is old."""

import argparse

from bot.upkeep import back_up, purge, put_back, restore
from core.config import Settings

_NEW_ID = (
    "It has a new id: buttons of before get an answer instead of acting on the wrong job, and what was not yet told is "
    "told only if Slack does not show it already."
)


async def write_backup(settings: Settings, options: argparse.Namespace) -> int:
    """Copy the database."""
    back_up(settings, options.file)
    print(f"{options.file} is written. It holds who asked for what, and why: keep it private.")
    return 0


async def read_backup(settings: Settings, options: argparse.Namespace) -> int:
    """Make a copy the database."""
    kept = await restore(settings, options.file)
    before = f" The one before is kept as {kept}." if kept else ""
    print(f"The database is what {options.file} holds.{before} {_NEW_ID}")
    return 0


async def note_restored(settings: Settings, _: argparse.Namespace) -> int:
    """Note that the database was put back from a copy by other means."""
    await put_back(settings)
    print(f"The database counts as put back. {_NEW_ID}")
    return 0


async def remove_old(settings: Settings, options: argparse.Namespace) -> int:
    """Remove jobs that ended long ago."""
    removed = await purge(settings, options.older_than)
    jobs = "1 job is" if removed == 1 else f"{removed} jobs are"
    print(f"{jobs} in the history file now and no longer in the database.")
    return 0
