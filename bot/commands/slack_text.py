"""Undoes what message boxes and keyboards do to a typed command: links, entities, curly quotes, dashes, odd spaces.

The order matters: links and mentions first (typed ``&lt;@U1&gt;`` must stay text), then entities (``&amp;`` last,
once), then quotes and dashes, then spaces. Backslashes are never touched: they belong to Windows paths.
"""

import re
import unicodedata

_LINK = re.compile(r"<((?:https?|ftp|mailto|tel):[^|<>]*)(?:\|([^<>]*))?>", re.IGNORECASE)
_MENTION = re.compile(r"<([@#])([A-Z0-9]+)(?:\|([^<>]*))?>")
_SPECIAL = re.compile(r"<!([^|<>]+)(?:\|([^<>]*))?>")
_SCHEME = re.compile(r"^(?:https?://|ftp://|mailto:|tel:)", re.IGNORECASE)
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b", "'"))
# Figure dash, en dash, em dash, horizontal bar: what "--" becomes on its way.
_DASH = re.compile(r"""("[^"]*")|(?<![^\s,])[\u2012-\u2015]+-?(?=\w)""")
_SPACES = re.compile(r"""("[^"]*")|\s+""")


def clean(text: str) -> str:
    """Return what the person meant to type, in one line."""
    text = _LINK.sub(_link, text)
    text = _MENTION.sub(_mention, text)
    text = _SPECIAL.sub(_special, text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    text = text.translate(_QUOTES)
    text = "".join(map(_visible, text))
    text = _DASH.sub(lambda found: found[1] or "--", text)
    return _SPACES.sub(lambda found: found[1] or " ", text).strip()


def _link(found: re.Match[str]) -> str:
    if found[2]:
        return found[2]
    bare = _SCHEME.sub("", found[1])
    return bare.removesuffix("/") if bare.count("/") == 1 else bare


def _mention(found: re.Match[str]) -> str:
    # Only shown to people, as in a reason: nobody is ever identified by it. Private channels come with an empty label.
    return found[1] + (found[3] or found[2])


def _special(found: re.Match[str]) -> str:
    return found[2] or "@" + found[1].split("^")[0]


def _visible(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    if char.isspace():
        return " "
    # Zero-width characters, direction marks, soft hyphens and control characters come from paste and are never meant.
    return "" if unicodedata.category(char) in {"Cf", "Cc", "Cs"} else char
