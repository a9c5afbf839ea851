"""Draws insights as PNG: the totals as figures, below them the rankings as bars. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages.canvas import BAND, BLUE, GREY, INK, SOFT, VERMILION, Canvas, Color
from bot.messages.insights_text import period_words, reason
from bot.messages.state_table import HOLD_WORDS
from core.domain.model.units import size, span
from core.domain.reporting.insights import Insights

_WIDTH, _MARGIN, _LABELS, _VALUES = 1000, 24, 260, 90
_TOP, _FIGURES = 58, 74
_ROW, _HEAD = 26, 34


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    value: float
    shown: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    bars: tuple[_Bar, ...]
    color: Color


def is_worth_drawing(found: Insights) -> bool:
    """Whether there is enough to compare."""
    return not found.too_few and any(panel.bars for panel in _panels(found))


def picture(found: Insights) -> bytes:
    """Draw them."""
    panels = [panel for panel in _panels(found) if panel.bars]
    height = _TOP + _FIGURES + sum(_HEAD + _ROW * len(panel.bars) for panel in panels) + _MARGIN
    ink = Canvas(_WIDTH, height)
    ink.text((_MARGIN, 18), f"{period_words(found.until - found.since)}, until {found.until:%d %B %Y %H:%M} UTC", 19)
    _figures(ink, found)
    top = float(_TOP + _FIGURES)
    for panel in panels:
        top = _draw_panel(ink, panel, top)
    return ink.png()


def alt_text(found: Insights) -> str:
    """Say in words what the picture shows."""
    told = [", ".join(f"{value} {word}" for value, word in _figures_of(found))]
    told += [
        f"{panel.title}: {', '.join(f'{bar.label} {bar.shown}' for bar in panel.bars)}"
        for panel in _panels(found)
        if panel.bars
    ]
    return f"{period_words(found.until - found.since)}. {'. '.join(told)}."


def _figures_of(found: Insights) -> Sequence[tuple[str, str]]:
    figures = [(f"{found.done}", "VM moved" if found.done == 1 else "VMs moved"), (size(found.size_bytes), "copied")]
    if found.first_try is not None:
        figures.append((f"{100 * found.first_try:.0f} %", "at the first attempt"))
    figures.append((f"{found.not_done}", "did not move"))
    if found.taken_s is not None:
        figures.append((span(found.taken_s), "until a page was taken"))
    return figures


def _figures(ink: Canvas, found: Insights) -> None:
    figures = _figures_of(found)
    width = (_WIDTH - 2 * _MARGIN) / len(figures)
    for place, (value, word) in enumerate(figures):
        left = _MARGIN + place * width
        ink.box((left, _TOP, left + width - 10, _TOP + 60), BAND)
        ink.text((left + 14, _TOP + 10), value, 22, room=width - 30)
        ink.text((left + 14, _TOP + 39), word, 11, SOFT, room=width - 30)


def _panels(found: Insights) -> tuple[_Panel, ...]:
    slowest = tuple(
        _Bar(
            f"{one.source} → {one.destination}",
            one.bytes_per_s,
            f"{size(one.bytes_per_s)}/s",
            f"{one.moves} moves",
        )
        for one in found.slowest
    )
    hosts, vms = (
        tuple(
            _Bar(
                one.name,
                one.attempts,
                f"{one.attempts}",
                reason(one.why[0]),
            )
            for one in culprits
        )
        for culprits in (found.hosts, found.vms)
    )
    waits = tuple(
        _Bar(
            HOLD_WORDS.get(one.code, one.code.value.replace("_", " ")),
            one.seconds,
            span(one.seconds),
            f"{one.moves} {'VM' if one.moves == 1 else 'VMs'}",
        )
        for one in found.waits[:5]
    )
    return (
        _Panel("Slowest pairs of hosts", slowest, BLUE),
        _Panel("Failed attempts, by host", hosts, VERMILION),
        _Panel("Failed attempts, by VM", vms, VERMILION),
        _Panel("Waited for, all VMs together", waits, GREY),
    )


def _draw_panel(ink: Canvas, panel: _Panel, top: float) -> float:
    """Draw one ranking; returns where the next begins."""
    ink.text((_MARGIN, top + 9), panel.title, 14)
    top += _HEAD
    longest = max(bar.value for bar in panel.bars) or 1.0
    left, room = _MARGIN + _LABELS, _WIDTH - 2 * _MARGIN - _LABELS - _VALUES - 200
    for bar in panel.bars:
        middle = top + _ROW / 2
        ink.text((_MARGIN + 4, middle), bar.label, 13, anchor="lm", room=_LABELS - 16)
        right = left + max(3.0, room * bar.value / longest)
        ink.bar((left, top + 5, right, top + _ROW - 5), panel.color)
        ink.text((right + 8, middle), bar.shown, 12, INK, anchor="lm")
        after = right + 8 + ink.width(bar.shown, 12) + 10
        ink.text((after, middle), bar.remark, 11, SOFT, anchor="lm", room=max(40.0, _WIDTH - _MARGIN - after))
        top += _ROW
    return top
