"""Writes the files that a bot, its hosts and its shell are set up with."""

import argparse

import shtab

from bot.cli.parser import command_parser
from bot.starter_files import write_anew, write_starter_files
from bot.wiring import endpoint_of
from core.config import Settings


def init(options: argparse.Namespace) -> int:
    """Write the files to start from."""
    print("\n".join(write_starter_files(options.folder)))
    return 0


def completion(options: argparse.Namespace) -> int:
    """Print what a shell reads to complete the words of the command line."""
    print(shtab.complete(command_parser(), options.shell))
    return 0


async def endpoint(settings: Settings, options: argparse.Namespace) -> int:
    """Write the hosts' endpoint, and say how it is installed."""
    texts, commands = endpoint_of(settings)
    told = [*write_anew(options.folder, texts), "", "On every host, there:", *commands]
    print("\n".join(told))
    return 0
