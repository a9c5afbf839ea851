"""Tells what is: whether everything is in order, how a running bot is, which jobs there are. Changes nothing."""

import argparse

from bot import check, export, health
from bot.check_pair import check_pair
from bot.clock import SystemClock
from bot.messages.visible import visible
from bot.slack.credentials import forget_proxy_on_loopback, web_client
from bot.slack.user_groups import UserGroups
from bot.upkeep import opened_store, planning
from bot.wiring import check_store, opened_gateway
from core.config import Settings
from core.domain.model.inventory import CheckLine, HostName
from core.domain.model.job import JobId


async def check_all(settings: Settings, options: argparse.Namespace) -> int:
    """Check everything, or with ``--vm`` one move."""
    lines = await (_move_lines(settings, options) if options.vm else _lines(settings))
    print(check.table(lines))
    return 0 if all(line.ok for line in lines) else 1


async def _lines(settings: Settings) -> list[CheckLine]:
    forget_proxy_on_loopback(settings.slack.api_url)
    client = web_client(settings)
    lines: list[CheckLine] = [*check.check_settings(settings), await check_store(settings)]
    lines += [line async for line in check.check_slack(settings, client, UserGroups(client, SystemClock()))]
    async with opened_gateway(settings) as gateway:
        lines += [line async for line in check.check_hosts([HostName(name) for name in settings.hosts], gateway)]
    return lines


async def _move_lines(settings: Settings, options: argparse.Namespace) -> list[CheckLine]:
    async with opened_gateway(settings) as gateway, planning(settings, gateway) as requests:
        found = check_pair(settings, gateway, requests.look, options.vm, options.to, source=options.source)
        return [line async for line in found]


async def ask_health(settings: Settings, _: argparse.Namespace) -> int:
    """Ask a running bot how it is."""
    is_well, told = await health.ask(settings.slack.health)
    print(visible(told))
    return 0 if is_well else 1


async def jobs(settings: Settings, options: argparse.Namespace) -> int:
    """List jobs; show or export one, or export the past as a whole."""
    async with opened_store(settings) as store:
        if options.what == "export" and options.job is None:
            now = SystemClock().now()
            past = await store.past(now - options.last, now)
            text = export.past_as_csv(past) if options.format == "csv" else export.past_as_json(past)
        elif options.what is None:
            listed = await store.jobs(limit=1000)
            text = export.job_table([(job, await store.moves(job.id)) for job in listed])
        else:
            job = await store.job(JobId(options.job))
            moves, events = await store.moves(job.id), await store.events(job.id)
            if options.what == "show":
                text = export.job_page(job, moves, events)
            elif options.format == "csv":
                text = export.as_csv(moves, events)
            else:
                text = export.as_json(job, moves, events)
    print(text.rstrip("\n"))
    return 0
