"""Decides which characters of a text Slack stores as entities, and what it makes links and mentions of."""

import re
from collections.abc import Callable
from typing import Any

_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
# docs.slack.dev: formatting-message-text. Everything else between < and > is text.
_TOKEN = re.compile(
    r"<(?:@[UW][A-Z0-9]+(?:\|[^<>]*)?|#[CDG][A-Z0-9]+(?:\|[^<>]*)?|!(?:here|channel|everyone)(?:\|[^<>]*)?"
    r"|!subteam\^S[A-Z0-9]+(?:\|[^<>]*)?|!date\^\d+\^[^<>]+|(?:https?|mailto|tel|slack):[^<>\s|]+(?:\|[^<>]*)?)>"
)
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_TLD = r"(?:com|net|org|io|dev|edu|gov|de|uk|co|info|biz|cloud|app)"  # the ones that matter here, of some 1,500
_BARE_LINK = re.compile(
    r"(?P<url>https?://[^\s<>|]+[^\s<>|.,;:!?)\]}'\"])"
    r"|(?P<mail>\b[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}\b)"
    rf"|(?P<host>(?<![\w@.\\/-])(?:[A-Za-z0-9](?:[\w-]*[A-Za-z0-9])?\.)+{_TLD}\b(?![\w.-]*[\w-]))"
)
_BROADCAST = re.compile(r"(?<!\S)@(here|channel|everyone)\b")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _outside(pattern: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to what lies between the matches of `pattern`."""
    parts: list[str] = []
    end = 0
    for match in pattern.finditer(text):
        parts += [change(text[end : match.start()]), match.group()]
        end = match.end()
    return "".join((*parts, change(text[end:])))


def _entities(text: str) -> str:
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def store_mrkdwn(text: str) -> str:
    """Entities for whatever is not part of Slack's own <...> syntax."""
    return _outside(_TOKEN, text, _entities)


def store_plain(text: str) -> str:
    """plain_text comes back entity-escaped (bolt-python#513), without being escaped twice."""
    return _entities(text)


def _as_link(match: re.Match[str]) -> str:
    text = match.group()
    if match["url"]:
        return f"<{text}>"
    return f"<mailto:{text}|{text}>" if match["mail"] else f"<http://{text}|{text}>"


def autolink(text: str) -> str:
    """Make links of bare URLs, mail addresses and host names (docs.slack.dev: formatting-message-text)."""
    return _outside(_CODE, text, lambda prose: _outside(_TOKEN, prose, lambda bare: _BARE_LINK.sub(_as_link, bare)))


def link_urls(text: str) -> str:
    """Make links of URLs with a scheme only: the milder form used for an app's top-level text."""

    def urls(bare: str) -> str:
        return _BARE_LINK.sub(lambda match: _as_link(match) if match["url"] else match.group(), bare)

    return _outside(_CODE, text, lambda prose: _outside(_TOKEN, prose, urls))


def autoparse(text: str) -> str:
    """Treat non-verbatim mrkdwn: links as above, and typed broadcasts become mentions."""
    linked = autolink(text)
    return _outside(_CODE, linked, lambda prose: _outside(_TOKEN, prose, lambda bare: _BROADCAST.sub(r"<!\1>", bare)))


def store_text_object(thing: dict[str, Any]) -> dict[str, Any]:
    """Return a text object as it comes back from Slack, defaults spelled out."""
    if thing["type"] == "plain_text":
        return {"emoji": True, **thing, "text": store_plain(thing["text"])}
    stored = store_mrkdwn(thing["text"])
    return {"verbatim": False, **thing, "text": stored if thing.get("verbatim") else autoparse(stored)}
