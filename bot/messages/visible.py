"""Makes signs visible that nobody sees and that change what is read: direction overrides, zero-width signs, controls.

Foreign words are shown on cards that people decide by, in files, in the log and in terminals: all of them come by here.
"""

import re
import unicodedata

_NEVER = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
# They join emoji and letters of some scripts, where they are meant; between others they only hide.
_JOINERS = re.compile("(?<=[\u0000-\u00ff])[\u200c\u200d\ufe00-\ufe0f]|^[\u200c\u200d\ufe00-\ufe0f]|[\u200c\u200d]+$")
_BENIGN = frozenset("#*0123456789\u00a9\u00ae")
"""Signs that become emoji by the sign behind them."""


def visible(text: str) -> str:
    """Show each sign that nobody sees as its number, such as ``\u27e8U+202E\u27e9``; lines stay lines."""
    if text.isascii() and text.isprintable():
        return text
    return _JOINERS.sub(_joiner, _NEVER.sub(lambda found: _number(found[0]), text))


def _joiner(found: re.Match[str]) -> str:
    before = found.string[found.start() - 1 : found.start()]
    is_emoji = before in _BENIGN and unicodedata.category(found[0]) == "Mn"
    return found[0] if before and is_emoji else "".join(map(_number, found[0]))


def _number(sign: str) -> str:
    return f"\u27e8U+{ord(sign):04X}\u27e9"
