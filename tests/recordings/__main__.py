"""``python -m tests.recordings``: the table of differences between the lab and the recordings.

With ``--powershell`` the cases are sent to a real PowerShell instead, as when they were recorded; ``--write`` keeps
what it answers as the recording, after showing what became different.
"""

import argparse
import asyncio
import sys

from lab.hyperv.pwsh.install import install
from tests.recordings.cases import FILE, SESSIONS, play, recorded, write
from tests.recordings.forms import differences
from tests.recordings.known import REASONS


def main() -> int:
    """Print a line for each difference or its reason; the exit code says whether one has none."""
    parser = argparse.ArgumentParser(prog="python -m tests.recordings", description=__doc__)
    parser.add_argument("--powershell", action="store_true", help="ask a real PowerShell instead of the lab")
    parser.add_argument("--write", action="store_true", help="keep what the real PowerShell answers")
    args = parser.parse_args()
    program = install() if args.powershell or args.write else None
    played = {session: asyncio.run(play(session, [*recorded()[session].values()], program)) for session in SESSIONS}
    cases = differing = unknown = 0
    for session in SESSIONS:
        for name, case in recorded()[session].items():
            cases += 1
            lines = differences(case.messages, played[session][name].messages)
            differing += bool(lines)
            reason = None if program else REASONS.get((session, name))
            unknown += bool(lines) and reason is None
            for line in lines if reason is None else [reason]:
                print(f"{session} | {name} | {line}")  # noqa: T201 (a command line talks)
    print(f"{cases - differing} of {cases} cases agree, {unknown} differ without a reason")  # noqa: T201 (see above)
    if args.write:
        write(FILE, played)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
