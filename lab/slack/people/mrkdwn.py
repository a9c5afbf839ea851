"""Reads mrkdwn into the elements of a rich_text block, so that both are drawn by the same code."""

import re
from typing import Any

from lab.slack.workspace.escaping import unescape
from lab.slack.workspace.messages import Json

_PREFORMATTED = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_STYLES = {"*": "bold", "_": "italic", "~": "strike"}
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<token>[^<>\n]+)>"
    r"|:(?P<emoji>[a-z0-9_+-]+):"
    r"|(?<![\w*_~])(?P<mark>[*_~])(?P<styled>(?! )[^\n]*?(?<! ))(?P=mark)(?![\w*_~])"
)


def read_mrkdwn(text: str) -> list[Json]:
    """Sections, quotes and preformatted parts, as in a rich_text block."""
    parts: list[Json] = []
    end = 0
    for match in _PREFORMATTED.finditer(text):
        parts += _prose(text[end : match.start()].removesuffix("\n"))
        inner = [{"type": "text", "text": unescape(match[1])}]
        parts.append({"type": "rich_text_preformatted", "elements": inner})
        end = match.end()
    return parts + _prose(text[end:].removeprefix("\n") if end else text)


def read_plain(text: str, *, emoji: bool = True) -> list[Json]:
    """plain_text knows emoji and nothing else."""
    elements: list[Json] = []
    end = 0
    for match in re.finditer(r":([a-z0-9_+-]+):", text) if emoji else ():
        elements += _words(text[end : match.start()], {})
        elements.append({"type": "emoji", "name": match[1]})
        end = match.end()
    return [{"type": "rich_text_section", "elements": elements + _words(text[end:], {})}]


def read_markdown(text: str) -> list[Json]:
    """Read a markdown block: enough of standard Markdown to be readable."""
    text = re.sub(r"^#{1,6} +(.*)$", r"*\1*", text, flags=re.MULTILINE)
    text = re.sub(r"\*\*(.+?)\*\*", r"*\1*", text)
    text = re.sub(r"^[-*] +", "• ", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]+)\]\((https?://[^)\s]+)\)", r"<\2|\1>", text)
    return read_mrkdwn(text)


def _prose(text: str) -> list[Json]:
    if not text:
        return []
    parts: list[Json] = []
    for line in text.split("\n"):
        quoted = re.match(r"(?:&gt;|>) ?", line)
        kind = "rich_text_quote" if quoted else "rich_text_section"
        inner = inline(line[quoted.end() :] if quoted else line)
        if parts and parts[-1]["type"] == kind:
            parts[-1]["elements"] += [{"type": "text", "text": "\n"}, *inner]
        else:
            parts.append({"type": kind, "elements": inner})
    return parts


def inline(text: str, style: Json | None = None) -> list[Json]:
    """Split one line into its inline elements."""
    style = style or {}
    elements: list[Json] = []
    end = 0
    for match in _INLINE.finditer(text):
        elements += _words(text[end : match.start()], style)
        end = match.end()
        if match["code"]:
            elements += _words(match["code"], {**style, "code": True})
        elif match["token"]:
            elements.append({**_token(match["token"]), **({"style": style} if style else {})})
        elif match["emoji"]:
            elements.append({"type": "emoji", "name": match["emoji"]})
        elif match["styled"]:
            elements += inline(match["styled"], {**style, _STYLES[match["mark"]]: True})
        else:  # two marks with nothing between them
            elements += _words(match.group(), style)
    return elements + _words(text[end:], style)


def _words(text: str, style: Json) -> list[Json]:
    if not text:
        return []
    return [{"type": "text", "text": unescape(text), **({"style": style} if style else {})}]


def _token(token: str) -> dict[str, Any]:
    """Read what stands between < and > (docs.slack.dev: formatting-message-text)."""
    body, _, label = token.partition("|")
    if body.startswith("@"):
        return {"type": "user", "user_id": body[1:]}
    if body.startswith("#"):
        return {"type": "channel", "channel_id": body[1:]}
    if body.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": body.split("^")[1]}
    if body.startswith("!date^"):
        _, timestamp, pattern, *link = body.split("^")
        return {
            "type": "date",
            "timestamp": int(timestamp),
            "format": unescape(pattern),
            "fallback": unescape(label),
            **({"url": link[0]} if link else {}),
        }
    if body.startswith("!"):
        return {"type": "broadcast", "range": body[1:]}
    return {"type": "link", "url": unescape(body), **({"text": unescape(label)} if label else {})}
