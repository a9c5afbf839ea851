"""``migrate-bot lab``: simulated hosts and a Slack workspace on localhost, until Ctrl-C."""

import argparse
import asyncio
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import time
from pathlib import Path

from lab.hyperv.pwsh.install import NoPowerShell, PowerShell, install
from lab.hyperv.remoting.shells import SessionPrices
from lab.hyperv.world.fleet import NIGHTLY_S, BackupWindow, Fleet, load_fleet
from lab.hyperv.world.strict import BadDescription
from lab.hyperv.world.world import EPOCH
from lab.process import FOREIGN_SETTINGS
from lab.site import Site, site
from lab.slack.workspace.rate_limit import Strictness

FLEETS = Path(__file__).parent / "fleets"


def main(argv: Sequence[str]) -> int:
    """Run the lab. Returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="migrate-bot lab", description=__doc__)
    parser.add_argument("--fleet", type=Path, default=FLEETS / "small.toml", help="the fleet, in TOML")
    parser.add_argument("--speed", type=float, default=60.0, help="lab seconds per real second (default 60)")
    parser.add_argument("--slack-port", type=int, default=0, help="port of the workspace (default: any)")
    parser.add_argument("--control-port", type=int, default=0, help="port of the hosts' control API (default: any)")
    parser.add_argument(
        "--engine",
        choices=("lab", "powershell"),
        default="lab",
        help="what runs the hosts' pipelines: the lab's own engine, or a real PowerShell (see docs/lab.md)",
    )
    prices = SessionPrices()
    parser.add_argument(
        "--logon-s", type=float, default=prices.logon_s, help="lab seconds a new session's logon takes (default 2)"
    )
    parser.add_argument(
        "--first-command-s",
        type=float,
        default=prices.first_command_s,
        help="lab seconds its first Hyper-V cmdlet takes to load the module (default 2)",
    )
    parser.add_argument(
        "--nightly-backups",
        type=_seconds_to,
        metavar="HH:MM",
        help="back every VM up once a night, from this time (UTC) of the lab's clock on, never quite on time",
    )
    parser.add_argument("--rate-limits", choices=[s.value for s in Strictness], default=Strictness.OFF.value)
    args = parser.parse_args(argv)
    try:
        fleet = load_fleet(args.fleet)
        if args.nightly_backups is not None:
            fleet = backed_up_nightly(fleet, args.nightly_backups)
        powershell = install() if args.engine == "powershell" else None
    except (BadDescription, NoPowerShell) as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command line talks)
        return 2
    return asyncio.run(_serve(args, fleet, powershell))


def _seconds_to(text: str) -> float:
    """Read a time of day as lab seconds from the start, which is `EPOCH`."""
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time of day such as 22:00") from None
    minutes = (at.hour - EPOCH.hour) * 60 + at.minute - EPOCH.minute
    return 60.0 * (minutes % (24 * 60))


def backed_up_nightly(fleet: Fleet, first_s: float) -> Fleet:
    """Return the fleet with a backup of every VM each night: two at a time, about twenty minutes each."""
    vms = tuple(dict.fromkeys(vm.id for vm in fleet.vms))
    window = BackupWindow(start_s=first_s, vms=vms, duration_s=1200.0, jitter_s=300.0, at_once=2, every_s=NIGHTLY_S)
    return replace(fleet, backups=(*fleet.backups, window))


async def _serve(args: argparse.Namespace, fleet: Fleet, powershell: PowerShell | None) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    with tempfile.TemporaryDirectory(prefix="migrate-bot-lab-") as folder:
        async with site(
            fleet,
            Path(folder),
            speed=args.speed,
            rate_limits=Strictness(args.rate_limits),
            slack_port=args.slack_port,
            control_port=args.control_port,
            powershell=powershell,
            prices=SessionPrices(logon_s=args.logon_s, first_command_s=args.first_command_s),
        ) as here:
            secrets = Path(folder) / "secrets.env"
            lines = [f"unset {name}\n" for name in sorted(os.environ) if name.startswith(FOREIGN_SETTINGS)]
            lines += [f"export {name}='{value}'\n" for name, value in here.secrets.items()]
            secrets.write_text("".join(lines))
            secrets.chmod(stat.S_IRUSR | stat.S_IWUSR)
            print(describe(here, secrets), flush=True)  # noqa: T201 (a command line talks)
            await stopped.wait()
    return os.EX_OK


def describe(here: Site, secrets: Path) -> str:
    """Say how to reach everything, and how to start a bot on it."""
    lines = [f"Slack workspace   {here.slack.base_url}/channel/migrations   API {here.slack.api_url}"]
    lines += [f"people            {here.slack.control_url}", f"hosts' control    {here.hosts.control_url}/state"]
    for host in here.hosts.fleet.hosts:
        access = here.hosts.access(host.name)
        lines.append(
            f"{host.name:<17} {access.address}  http {access.http_port}  https {access.https_port}  "
            f"user {access.user}  password {access.password}"
        )
    lines += [
        f"CA                {here.hosts.ca_file}",
        "",
        "A bot for this lab, in another terminal:",
        f"  . {secrets} && migrate-bot run --config {here.settings_file}",
        "",
        "Ctrl-C ends the lab.",
    ]
    return "\n".join(lines)
