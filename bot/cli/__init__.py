"""The command line ``migrate-bot``: what it understands, and one file for each kind of command."""

import gc

_is_enabled = gc.isenabled()
gc.disable()  # nothing that is imported is garbage: to look for some takes a sixth of the time of a start
try:
    from bot.cli.command_line import main
finally:
    if _is_enabled:
        gc.enable()

__all__ = ["main"]
