"""The browser the page is tried in: Debian's Chromium. Run as a module, this says in one line when there is none."""

import shutil
import sys

ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Return the path of the browser's program; None: there is none."""
    return shutil.which("chromium")


if __name__ == "__main__":
    if chromium() is None:
        sys.exit("no chromium is installed: the tests in a browser are skipped")
