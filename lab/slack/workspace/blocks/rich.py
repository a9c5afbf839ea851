"""The shape of rich_text, the one block that nests (docs.slack.dev: rich-text-block)."""

from lab.slack.workspace.blocks.elements import ID
from lab.slack.workspace.blocks.shape import anything, array, boolean, integer, one_of, shape, tagged, text

_TYPE = {"type": anything}
_STYLE = shape(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), boolean
    ),
)
_STYLED = {"style": _STYLE}
INLINE = tagged(
    {
        "text": shape({**_TYPE, "text": text()}, _STYLED),
        "link": shape({**_TYPE, "url": text(3000)}, {**_STYLED, "text": text(), "unsafe": boolean}),
        "user": shape({**_TYPE, "user_id": text()}, _STYLED),
        "usergroup": shape({**_TYPE, "usergroup_id": text()}, _STYLED),
        "channel": shape({**_TYPE, "channel_id": text()}, _STYLED),
        "team": shape({**_TYPE, "team_id": text()}, _STYLED),
        "emoji": shape({**_TYPE, "name": text()}, {**_STYLED, "unicode": text(), "skin_tone": integer()}),
        "broadcast": shape({**_TYPE, "range": one_of("here", "channel", "everyone")}, _STYLED),
        "color": shape({**_TYPE, "value": text()}, _STYLED),
        "date": shape(
            {**_TYPE, "timestamp": integer(), "format": text()}, {**_STYLED, "url": text(), "fallback": text()}
        ),
    }
)
_BORDER = {"border": integer(0, 1)}
SECTION = shape({**_TYPE, "elements": array(INLINE, minimum=0)})
ELEMENTS = tagged(
    {
        "rich_text_section": SECTION,
        "rich_text_list": shape(
            {**_TYPE, "elements": array(tagged({"rich_text_section": SECTION})), "style": one_of("bullet", "ordered")},
            {**_BORDER, "indent": integer(0, 8), "offset": integer(0)},
        ),
        "rich_text_preformatted": shape(
            {**_TYPE, "elements": array(INLINE, minimum=0)}, {**_BORDER, "language": text()}
        ),
        "rich_text_quote": shape({**_TYPE, "elements": array(INLINE, minimum=0)}, _BORDER),
    }
)
RICH_TEXT = shape({**_TYPE, "elements": array(ELEMENTS)}, {"block_id": ID})
