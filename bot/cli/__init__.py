"""The command line ``migrate-bot``: what it understands, and one file for each kind of command."""

from bot.cli.command_line import main

__all__ = ["main"]
