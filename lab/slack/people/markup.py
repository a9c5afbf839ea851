"""Draws blocks and texts as HTML. Everything that came from an app or a person is escaped here."""

from html import escape
from typing import TYPE_CHECKING

from lab.slack.people.mrkdwn import read_markdown, read_mrkdwn, read_plain
from lab.slack.workspace.escaping import unescape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.slack.people.wording import Wording
    from lab.slack.workspace.messages import Json

_MENTIONS = {"user", "usergroup", "channel", "broadcast"}
_TAGS = {"bold": "b", "italic": "i", "strike": "s", "code": "code"}
_PARTS = {"rich_text_section": "p", "rich_text_preformatted": "pre", "rich_text_quote": "blockquote"}
_STATUS = {"pending": "○", "in_progress": "◐", "complete": "✔", "error": "✘"}


class Markup:
    """The HTML of blocks and texts as one person sees them."""

    def __init__(self, wording: "Wording") -> None:
        self._wording = wording

    # -- texts ------------------------------------------------------------------------------------------------------

    def mrkdwn(self, text: str) -> str:
        return self.rich(read_mrkdwn(text))

    def text(self, thing: "Json") -> str:
        """Draw a text object."""
        return self.rich(read_plain(thing["text"]) if thing["type"] == "plain_text" else read_mrkdwn(thing["text"]))

    def rich(self, parts: "Sequence[Json]") -> str:
        html = ""
        for part in parts:
            if part["type"] == "rich_text_list":
                tag = "ol" if part["style"] == "ordered" else "ul"
                html += f"<{tag}>{''.join(f'<li>{self._inlines(one)}</li>' for one in part['elements'])}</{tag}>"
            else:
                tag = _PARTS[part["type"]]
                html += f"<{tag}>{self._inlines(part)}</{tag}>"
        return html

    def _inlines(self, part: "Json") -> str:
        return "".join(self._inline(element) for element in part["elements"])

    def _inline(self, element: "Json") -> str:
        words = escape(self._wording.inline(element)).replace("\n", "<br>")
        if element["type"] in _MENTIONS:
            words = f'<span class="mention">{words}</span>'
        elif element["type"] == "link":
            words = f'<span class="link">{words}</span>'
        for style in element.get("style", {}):
            if tag := _TAGS.get(style):
                words = f"<{tag}>{words}</{tag}>"
        return words

    # -- blocks -----------------------------------------------------------------------------------------------------

    def blocks(self, blocks: "Sequence[Json]") -> str:
        return "".join(self.block(block) for block in blocks)

    def block(self, block: "Json") -> str:
        kind = block["type"]
        match kind:
            case "section":
                inner = self._section(block)
            case "context":
                inner = "".join(f"<span>{self._context(one)}</span>" for one in block["elements"])
            case "actions" | "context_actions":
                inner = "".join(self.element(one) for one in block["elements"])
            case "input":
                inner = f"<label>{self.text(block['label'])}</label>{self.element(block['element'])}"
            case "card" | "container" | "carousel":
                inner = self._box(block)
            case _:
                inner = self._still(block)
        return f'<div class="block {escape(kind)}">{inner}</div>'

    def _still(self, block: "Json") -> str:
        """Draw a block without anything to use in it."""
        match block["type"]:
            case "divider":
                return "<hr>"
            case "header" | "alert":
                return self.text(block["text"])
            case "image":
                return f"<em>{escape(unescape(block['alt_text']))}</em>"
            case "rich_text":
                return self.rich(block["elements"])
            case "markdown":
                return self.rich(read_markdown(block["text"]))
            case "table":
                return self._table(block["rows"])
            case "plan":
                tasks = "".join(self._task(task) for task in block.get("tasks", []))
                return f"<p><b>{escape(block['title'])}</b></p>{tasks}"
            case _:
                return self._task(block)

    def _section(self, block: "Json") -> str:
        html = self.text(block["text"]) if "text" in block else ""
        if fields := block.get("fields"):
            html += f'<div class="fields">{"".join(f"<div>{self.text(one)}</div>" for one in fields)}</div>'
        if "accessory" in block:
            html = f'<div class="beside"><div>{html}</div>{self.element(block["accessory"])}</div>'
        return html

    def _context(self, element: "Json") -> str:
        return f"<em>{escape(unescape(element['alt_text']))}</em>" if element["type"] == "image" else self.text(element)

    def _task(self, task: "Json") -> str:
        more = "".join(self.rich(task[name]["elements"]) for name in ("details", "output") if name in task)
        status = escape(task["status"])
        return (
            f'<div class="task {status}"><i>{_STATUS[task["status"]]}</i><div>{escape(task["title"])}{more}</div></div>'
        )

    def _box(self, block: "Json") -> str:
        if block["type"] == "carousel":
            return self.blocks(block["elements"])
        html = "".join(self.text(block[name]) for name in ("title", "subtitle", "body") if name in block)
        buttons = "".join(self.element(one) for one in block.get("actions", []))
        return html + self.blocks(block.get("child_blocks", [])) + buttons

    def _table(self, rows: "Sequence[Sequence[Json]]") -> str:
        def cell(one: "Json") -> str:
            if one["type"] == "rich_text":
                return self.rich(one["elements"])
            return escape(unescape(str(one.get("text", one.get("value", "")))))

        lines = "".join(f"<tr>{''.join(f'<td>{cell(one)}</td>' for one in row)}</tr>" for row in rows)
        return f"<table>{lines}</table>"

    def element(self, element: "Json") -> str:
        kind = element["type"]
        if kind == "image":
            return self._context(element)
        if kind in {"button", "icon_button"}:
            style = escape(element.get("style", ""))
            return f'<span class="button {style}">{self.text(element["text"])}</span>'
        if kind == "overflow":
            return '<span class="button">⋯</span>'
        label = self.text(element["placeholder"]) if "placeholder" in element else ""
        return f'<span class="menu">{label or "…"}</span>'
