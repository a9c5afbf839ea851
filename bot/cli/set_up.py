"""Writes the files that a bot and its hosts are set up with, and notes that its database was put back."""

import argparse

from bot.starter_files import write_anew, write_starter_files
from bot.wiring import endpoint_of, put_back
from core.config import Settings


def init(options: argparse.Namespace) -> int:
    """Write the files to start from."""
    print("\n".join(write_starter_files(options.folder)))
    return 0


async def endpoint(settings: Settings, options: argparse.Namespace) -> int:
    """Write the hosts' endpoint, and say how it is installed."""
    texts, commands = endpoint_of(settings)
    told = [*write_anew(options.folder, texts), "", "On every host, there:", *commands]
    print("\n".join(told))
    return 0


async def restored(settings: Settings, _: argparse.Namespace) -> int:
    """Note that the database was put back from a copy."""
    await put_back(settings)
    print(
        "The database has a new id: buttons of before get an answer instead of acting on the wrong job, and what was "
        "not yet told is told only if Slack does not show it already."
    )
    return 0
