"""Carries out what is ordered on the bot's own machine, for the day Slack is down: the same acts as in Slack.

The running bot does it for whoever reaches its control socket; while none runs, the command does it itself.
"""

import re
import socket
from dataclasses import dataclass
from enum import StrEnum

from bot.audit_log import Asked, AuditLog
from core.domain.model.job import JobId
from core.engine.engine import Engine
from core.errors import MigrateBotError

_NAME = re.compile(r"[\w.@\\-]{1,32}")


class Act(StrEnum):
    """What can be ordered."""

    STOP = "stop"
    RESUME = "resume"
    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineOrder:
    """An order: a resume without a job is of all starts, a cancel without a VM of the whole job."""

    act: Act
    job: str = ""
    vm: str = ""
    sudo_user: str = ""
    """Who became root to give it, as their own environment says."""


def ordered_by(user: str, sudo_user: str) -> str:
    """Say who orders: a user of this machine. It is written down and shown where Slack's id of a person would be."""
    sudo = f", sudo by {sudo_user}" if user == "root" and _NAME.fullmatch(sudo_user) else ""
    return f"{user}{sudo} on {socket.gethostname().partition('.')[0]} (command line)"


async def carry_out(engine: Engine, order: MachineOrder, by: str, audit: AuditLog) -> str:
    """Do it and return a sentence. Whoever may write the database may do all of it.

    Raises:
        MigrateBotError: it cannot be done; the error says why.

    """
    asked = Asked(what=order.act.value, job=order.job, vm=order.vm)
    audit.asked(asked, by)
    try:
        return await _carry_out(engine, order, by)
    except MigrateBotError as error:
        audit.refused(asked, by, error)
        raise


async def _carry_out(engine: Engine, order: MachineOrder, by: str) -> str:
    job_id, stopped_by = JobId(order.job), await engine.queries.stopped_by()
    match order.act:
        case Act.STOP if stopped_by:
            return f"It is stopped already, by {stopped_by}: nothing new starts, in any job."
        case Act.STOP:
            await engine.controls.stop_starts(by)
            return "Stopped: nothing new starts, in any job. What moves now goes on. Start again: migrate-bot resume"
        case Act.RESUME if job_id:
            job = await engine.controls.resume(job_id, by)
            return f"{job.id} goes on."
        case Act.RESUME if not stopped_by:
            return "Nothing is stopped. To let one job go on: migrate-bot resume J1"
        case Act.RESUME:
            await engine.controls.resume_starts(by)
            return "Migrations start again."
        case Act.PAUSE:
            job = await engine.controls.pause(job_id, by)
            return f"{job.id} is paused: nothing more of it starts. What moves now goes on."
        case Act.CANCEL:
            job, said = await engine.controls.cancel(job_id, by, order.vm)
            return f"{job.id}: {said}"
