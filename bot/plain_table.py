"""Lays out rows in columns with rich, as plain text: no colours and no wrapping, so that pipes and grep can read it."""

import io
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.messages.visible import visible

_WIDER_THAN_ANY_LINE = 100_000


def plain_table(rows: Iterable[Sequence[str]]) -> str:
    """Return one line a row; a column is as wide as a terminal shows its longest cell."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        grid.add_row(*(Text(visible(cell), no_wrap=True) for cell in row))
    out = io.StringIO()
    Console(file=out, width=_WIDER_THAN_ANY_LINE, color_system=None).print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
