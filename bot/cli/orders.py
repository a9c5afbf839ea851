"""Gives orders on the bot's machine, for the day Slack is down: to the bot that runs, or in its place."""

import argparse
import asyncio
import os
import sys

from bot.audit_log import AuditLog
from bot.control_socket import give_order, own_name
from bot.handlers.machine_orders import Act, MachineOrder, carry_out, ordered_by
from bot.log_setup import start_logging
from bot.messages.visible import visible
from bot.metrics import Counters
from bot.upkeep import engine_at_rest
from bot.wiring import control_path
from core.config import Settings
from core.errors import BotSilent, SettingsError, StoreOwned

_STARTS_WITHIN_S = 10.0
"""For so long somebody may have the database and not take orders: a bot that starts, or another command."""
_AGAIN_S = 0.2


async def give(settings: Settings, options: argparse.Namespace) -> int:
    """Have an order carried out, and say what came of it."""
    order = MachineOrder(
        act=Act(options.command),
        job=getattr(options, "job", None) or "",
        vm=getattr(options, "vm", None) or "",
        sudo_user=os.environ.get("SUDO_USER", ""),
    )
    print(visible(await _carried_out(settings, order)))
    return 0


async def _carried_out(settings: Settings, order: MachineOrder) -> str:
    socket, by = control_path(settings), ordered_by(own_name(), order.sudo_user)
    audit = AuditLog(Counters())
    give_up_at = asyncio.get_running_loop().time() + _STARTS_WITHIN_S
    while True:
        said = await give_order(socket, order)
        if said is not None:
            return said
        try:
            async with engine_at_rest(settings, audit.committed) as engine:
                _keep_audit_log(settings)
                said = await carry_out(engine, order, by, audit)
        except StoreOwned as error:
            if asyncio.get_running_loop().time() > give_up_at:
                raise BotSilent(f"{error.message} It takes no orders at {socket.absolute()}.", hint=_WHERE) from None
            await asyncio.sleep(_AGAIN_S)
        else:
            return f"{said} No bot runs now: the next start finds it so, and tells it in the threads."


def _keep_audit_log(settings: Settings) -> None:
    """Write the audit log in the bot's place. An order is carried out even when that cannot be: it is an emergency."""
    try:
        start_logging(settings, level="error", audit_file=settings.audit_file)
    except SettingsError as error:
        print(visible(error.sentence()), file=sys.stderr)


_WHERE = "Give the order on its machine, in its working folder. If it is stuck: end that process, then order again."
