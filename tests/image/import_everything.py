"""Imports every module of the program, with whatever packages the Python that runs this has."""

import importlib
import pkgutil
import sys

# They act when they are imported, by design: the command itself, and what Alembic runs.
NOT_TO_IMPORT = {"bot.__main__", "core.store.migrations.env"}
ROOMS = ("bot", "core", "deploy", "lab")


def main() -> int:
    """Import them all; the first that cannot be imported ends it with its trace."""
    names = list(ROOMS)
    for room in ROOMS:
        package = importlib.import_module(room)
        names += [module.name for module in pkgutil.walk_packages(package.__path__, f"{room}.")]
    for name in names:
        if name not in NOT_TO_IMPORT:
            importlib.import_module(name)
    print(f"{len(names) - len(NOT_TO_IMPORT)} modules import with Python {sys.version.split()[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
