"""Draws a conversation or a view as plain text, the way one person reads it."""

from lab.slack.people.mrkdwn import read_markdown, read_mrkdwn, read_plain
from lab.slack.people.wording import Wording
from lab.slack.workspace.channels import Channel
from lab.slack.workspace.escaping import unescape
from lab.slack.workspace.forms import state_key
from lab.slack.workspace.messages import Json, Message
from lab.slack.workspace.view import View
from lab.slack.workspace.workspace import Workspace

_STATUS = {"pending": "○", "in_progress": "◐", "complete": "✔", "error": "✘"}
_RULE = "─" * 24
_MENU_TYPES = ("_select", "picker")


class Transcript:
    """The plain text of conversations and views as one person reads them."""

    def __init__(self, workspace: Workspace, viewer_id: str = "", *, with_times: bool = False) -> None:
        self._workspace = workspace
        self._viewer_id = viewer_id
        self._wording = Wording(workspace, viewer_id)
        self._with_times = with_times

    # -- conversations ----------------------------------------------------------------------------------------------

    def channel(self, channel: Channel) -> str:
        """Every message with its thread indented below it; ephemerals only for the person who sees them."""
        own = [one for one in channel.ephemerals if one.ephemeral_to == self._viewer_id]
        roots = [*channel.roots(), *(one for one in own if not one.is_reply)]
        lines: list[str] = []
        for root in sorted(roots, key=lambda one: one.ts):
            lines += self.message(root)
            if root.is_reply:  # a broadcast reply has its place in its thread, too
                continue
            replies = [*channel.replies(root.ts), *(one for one in own if one.thread_ts == root.ts)]
            for reply in sorted(replies, key=lambda one: one.ts):
                lines += _hang("  ↳ ", "    ", self.message(reply))
        return "\n".join(lines)

    def message(self, message: Message) -> list[str]:
        who = message.username or self._wording.name(message.user_id)
        if self._with_times:
            who = f"[{self._wording.time(message.ts)}] {who}"
        head = (
            [f"({self._wording.name(message.typed_by)} used {message.typed_command})"] if message.typed_command else []
        )
        if message.ephemeral_to:
            who += " (only visible to you)"
        body = self.content(message)
        if message.edited_ts and not message.blocks and body:
            body[-1] += " (edited)"
        for name, people in message.reactions.items():
            body.append(f"{self._wording.inline({'type': 'emoji', 'name': name})} {len(people)}")
        if len(body) == 1 and not message.blocks:
            return [*head, f"{who}: {body[0]}"]
        return [*head, f"{who}:", *(f"  {line}".rstrip() for line in body)]

    def content(self, message: Message) -> list[str]:
        """Draw the body alone: blocks when there are any, else the text."""
        lines = self.blocks(message.blocks) if message.blocks else self.mrkdwn(message.text)
        for attachment in message.content.attachments:
            texts = [str(attachment[name]) for name in ("pretext", "title", "text") if attachment.get(name)]
            inner = [line for one in texts for line in self.mrkdwn(one)]
            lines += [f"▏ {line}" for line in (*inner, *self.blocks(attachment.get("blocks", [])))]
        lines += [f"📎 {file['title']} ({file['size']} bytes)" for file in message.files]
        return lines

    # -- views ------------------------------------------------------------------------------------------------------

    def view(self, view: View) -> str:
        title = self.label(view.definition["title"]) if "title" in view.definition else "Home"
        lines = [f"=== {title} ==="]
        for block in view.blocks:
            lines += self.block(block, view.state.get(block["block_id"], {}))
            if error := view.errors.get(block["block_id"]):
                lines.append(f"  ! {error}")
        ends = [view.definition.get(name) for name in ("close", "submit")]
        buttons = " ".join(f"[{self.label(one)}]" for one in ends if one)
        return "\n".join([*lines, buttons] if buttons else lines)

    # -- texts ------------------------------------------------------------------------------------------------------

    def mrkdwn(self, text: str) -> list[str]:
        return self.rich(read_mrkdwn(text))

    def label(self, thing: Json) -> str:
        """Draw a text object on one line."""
        return " ".join(self.text(thing))

    def text(self, thing: Json) -> list[str]:
        return self.rich(read_plain(thing["text"]) if thing["type"] == "plain_text" else read_mrkdwn(thing["text"]))

    def rich(self, parts: list[Json]) -> list[str]:
        lines: list[str] = []
        for part in parts:
            if part["type"] == "rich_text_list":
                indent = "  " * part.get("indent", 0)
                for number, item in enumerate(part["elements"], start=1 + part.get("offset", 0)):
                    mark = f"{number}." if part["style"] == "ordered" else "•"
                    lines += _hang(f"{indent}{mark} ", f"{indent}  ", self._inlines(item).split("\n"))
                continue
            prefix = {"rich_text_preformatted": "    ", "rich_text_quote": "> "}.get(part["type"], "")
            lines += [f"{prefix}{line}" for line in self._inlines(part).split("\n")]
        return lines

    def _inlines(self, part: Json) -> str:
        return "".join(self._wording.inline(element) for element in part["elements"])

    # -- blocks -----------------------------------------------------------------------------------------------------

    def blocks(self, blocks: "tuple[Json, ...] | list[Json] | object") -> list[str]:
        return [line for block in _as_list(blocks) for line in self.block(block, {})]

    def block(self, block: Json, state: Json) -> list[str]:
        match block["type"]:
            case "section":
                return self._section(block, state)
            case "context":
                return [" · ".join(self._context_element(one) for one in block["elements"])]
            case "actions" | "context_actions":
                return [" ".join(self.element(one, state) for one in block["elements"])]
            case "input":
                return [f"{self.label(block['label'])}: {self.element(block['element'], state)}"]
            case "container" | "carousel" | "card":
                return self._box(block, state)
            case _:
                return self._still(block)

    def _still(self, block: Json) -> list[str]:
        """Draw a block without anything to use in it."""
        match block["type"]:
            case "header":
                return [f"# {self.label(block['text'])}"]
            case "divider":
                return [_RULE]
            case "image":
                return [f"(image: {unescape(block['alt_text'])})"]
            case "rich_text":
                return self.rich(block["elements"])
            case "markdown":
                return self.rich(read_markdown(block["text"]))
            case "alert":
                return [f"[{block.get('level', 'default')}] {self.label(block['text'])}"]
            case "table":
                return self._table(block["rows"])
            case "plan":
                return [block["title"], *(line for task in block.get("tasks", []) for line in self._task(task))]
            case _:
                return self._task(block)

    def _box(self, block: Json, state: Json) -> list[str]:
        if block["type"] == "carousel":
            return [line for card in block["elements"] for line in self._box(card, state)]
        texts = [line for name in ("title", "subtitle", "body") if name in block for line in self.text(block[name])]
        if block["type"] == "container":
            return [*texts, *(f"│ {line}" for line in self.blocks(block["child_blocks"]))]
        buttons = " ".join(self.element(one, state) for one in block.get("actions", []))
        return [*texts, buttons] if buttons else texts

    def _section(self, block: Json, state: Json) -> list[str]:
        lines = self.text(block["text"]) if "text" in block else []
        cells = [self.label(one) for one in block.get("fields", [])]
        lines += ["  |  ".join(cells[start : start + 2]) for start in range(0, len(cells), 2)]
        if "accessory" in block:
            lines[-1] += f"  {self.element(block['accessory'], state)}"
        return lines

    def _context_element(self, element: Json) -> str:
        return f"({unescape(element['alt_text'])})" if element["type"] == "image" else self.label(element)

    def _task(self, task: Json) -> list[str]:
        lines = [f"{_STATUS[task['status']]} {task['title']}"]
        for name in ("details", "output"):
            if name in task:
                lines += [f"    {line}" for line in self.rich(task[name]["elements"])]
        return lines

    def _table(self, rows: list[list[Json]]) -> list[str]:
        cells = [[self._cell(cell) for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in cells if column < len(row)) for column in range(max(map(len, cells)))]
        return ["  ".join(cell.ljust(widths[column]) for column, cell in enumerate(row)).rstrip() for row in cells]

    def _cell(self, cell: Json) -> str:
        if cell["type"] == "rich_text":
            return " ".join(self.rich(cell["elements"]))
        return unescape(str(cell.get("text", cell.get("value", ""))))

    def element(self, element: Json, state: Json) -> str:
        """Draw a button as [Label], a menu as [Chosen ▾], a text field as its content."""
        kind = element["type"]
        if kind == "image":
            return f"({unescape(element['alt_text'])})"
        if kind in {"button", "icon_button"}:
            return f"[{self.label(element['text'])}]"
        if kind == "overflow":
            return f"[⋯ {' / '.join(self.label(one['text']) for one in element['options'])}]"
        if kind == "feedback_buttons":
            return " ".join(f"[{self.label(element[name]['text'])}]" for name in ("positive_button", "negative_button"))
        shown = self._shown_value(element, state.get(element.get("action_id", ""), {}).get(state_key(element)))
        placeholder = self.label(element["placeholder"]) if "placeholder" in element else ""
        if kind in {"checkboxes", "radio_buttons"}:
            return self._choices(element, state)
        if kind.endswith(_MENU_TYPES):
            return f"[{shown or placeholder or 'Select'} ▾]"
        return shown or f"____{f' ({placeholder})' if placeholder else ''}"

    def _choices(self, element: Json, state: Json) -> str:
        chosen = state.get(element["action_id"], {}).get(state_key(element)) or []
        picked = {one["value"] for one in (chosen if isinstance(chosen, list) else [chosen])}
        marks = ("☑", "☐") if element["type"] == "checkboxes" else ("◉", "○")
        return "  ".join(
            f"{marks[option['value'] not in picked]} {self.label(option['text'])}" for option in element["options"]
        )

    def _shown_value(self, element: Json, value: object) -> str:
        if value is None or value == []:
            return ""
        if isinstance(value, list):
            return ", ".join(self._shown_value(element, one) for one in value)
        if isinstance(value, dict):
            return self.label(value["text"]) if "text" in value else ""
        if "users" in element["type"]:
            return f"@{self._wording.name(str(value))}"
        if "channel" in element["type"] or "conversation" in element["type"]:
            return self._wording.inline({"type": "channel", "channel_id": value})
        return str(value)


def _as_list(blocks: object) -> list[Json]:
    return list(blocks) if isinstance(blocks, (list, tuple)) else []


def _hang(first: str, rest: str, lines: list[str]) -> list[str]:
    return [f"{rest if number else first}{line}" for number, line in enumerate(lines)]
