"""Escapes values from hosts and people for Slack's mrkdwn: they are shown and have no effect.

Slack's mrkdwn knows an escape for ``& < >`` only (docs: formatting-message-text). Names and paths go into a code span;
sentences that carry names are neutralised: a formatting mark that could take effect is replaced by its look-alike.
"""

import re
from datetime import UTC, datetime

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Inside a word a mark has no effect (srv_db_01); elsewhere it may.
_MARK = re.compile(r"(?<!\w)[*_~]|[*_~](?!\w)")
_LOOKALIKE = {"*": "\u2217", "_": "\u02cd", "~": "\u223c"}
_EMOJI = re.compile(r":(?=[a-z0-9_+'-]+:)", re.IGNORECASE)
_QUOTED_ROOM = 2500
_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")


def escape(text: str) -> str:
    """Escape the three characters Slack gives a meaning to."""
    return text.translate(_ENTITIES)


def clip(text: str, limit: int) -> str:
    """Shorten a text to a number of characters, visibly."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


_PIECES = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>|```|.", re.DOTALL)


def clip_markup(text: str, limit: int) -> str:
    """Shorten a text that is escaped already: no entity or mention is cut in two, no code span stays open."""
    if len(text) <= limit:
        return text
    kept, size, is_in_block, is_in_code = [], 0, False, False
    for found in _PIECES.finditer(text):
        piece = found[0]
        if size + len(piece) > limit - len("…\n```"):
            break
        kept.append(piece)
        size += len(piece)
        if piece == "```":
            is_in_block = not is_in_block
        elif piece == "`" and not is_in_block:
            is_in_code = not is_in_code
    end = "\n```" if is_in_block else "`" if is_in_code else ""
    return f"{''.join(kept)}…{end}"


def one_line(text: str) -> str:
    """Fold every run of white space, newlines included, to one space."""
    return " ".join(text.split())


def code(value: str, limit: int = 60) -> str:
    """Show a name or a path exactly, in a code span; back-ticks become apostrophes, since nothing escapes them."""
    shown = clip(one_line(value).replace("`", "'"), limit) or " "
    return f"`{escape(shown)}`"


def said(text: str, limit: int = 400) -> str:
    """Show a sentence that may carry names, on one line and without any effect of its own."""
    flat = clip(one_line(text).replace("`", "'"), limit)
    flat = _EMOJI.sub("\u2236", flat)
    return escape(_MARK.sub(lambda mark: _LOOKALIKE[mark[0]], flat))


def quoted(text: str, limit: int = 1200) -> str:
    """Show somebody else's words verbatim, in a preformatted block."""
    shown = clip(text.replace("`", "'").strip(), limit) or " "
    while len(escape(shown)) > _QUOTED_ROOM:
        shown = clip(shown, len(shown) * 3 // 4)
    return f"```\n{escape(shown)}\n```"


def is_user(who: str) -> bool:
    """Whether it is a user's id."""
    return bool(_USER.fullmatch(who))


def mention(who: str) -> str:
    """Mention a user or a user group by id; anything else is shown as a name."""
    if who == "bot":
        return "the bot"
    if _USER.fullmatch(who):
        return f"<@{who}>"
    if _GROUP.fullmatch(who):
        return f"<!subteam^{who}>"
    return code(who)


def channel_link(channel: str) -> str:
    """Link a channel by id."""
    return f"<#{channel}>" if _CHANNEL.fullmatch(channel) else code(channel)


def clock_time(at: datetime) -> str:
    """Show a time of day in each reader's own time zone."""
    return _date(at, "{time}", f"{at.astimezone(UTC):%H:%M} UTC")


def date_time(at: datetime) -> str:
    """Show a day and a time in each reader's own time zone."""
    return _date(at, "{date_short_pretty} {time}", f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def _date(at: datetime, form: str, fallback: str) -> str:
    return f"<!date^{int(at.timestamp())}^{form}|{fallback}>"


def plural(count: int, word: str) -> str:
    """Say a number with its word."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
