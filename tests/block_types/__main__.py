"""Checks every payload that tests sent, and every payload the lab sent, against Slack's published TypeScript types.

``python -m tests.block_types RECORD BUILD``: RECORD is the folder that ``LAB_SLACK_PAYLOADS`` named during the tests.
"""
# ruff: noqa: T201 - a command line talks

import sys
from pathlib import Path

from tests.block_types.judge import judge, read_record
from tests.support.npm_packages import install, missing_tool


def main(record: Path, build: Path) -> int:
    """Print one line when all is well or nothing can be asked, else what does not fit."""
    if missing := missing_tool("npm", "node"):
        print(f"block types: not checked, {missing}")
        return 0
    if trouble := install(Path(__file__).parent, build):
        print(f"block types: not checked, the types cannot be installed ({trouble})")
        return 0
    payloads = read_record(record)
    count, complaints = judge(payloads, build)
    if not count:
        print(f"block types: no payload was recorded in {record}")
        return 1
    if complaints:
        print("\n".join(complaints))
        print(f"block types: {len(complaints)} complaints about {count} payloads")
        return 1
    print(f"block types: {count} payloads fit")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
