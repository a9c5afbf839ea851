"""A read-only HTML page of one channel and its threads, for people who watch and for screenshots."""

import secrets
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from aiohttp import web

from lab.slack.people.emoji import emoji
from lab.slack.people.markup import Markup
from lab.slack.people.wording import Wording
from lab.slack.workspace.channels import ChannelKind
from lab.slack.workspace.refusals import NotOnScreenError

if TYPE_CHECKING:
    from lab.slack.workspace.channels import Channel
    from lab.slack.workspace.messages import Json, Message
    from lab.slack.workspace.workspace import Workspace

_PNG = b"\x89PNG\r\n"
_COLOURS = ("#2b6cb0", "#2f855a", "#b7791f", "#c05621", "#9b2c2c", "#6b46c1", "#b83280", "#285e61")


class Pages:
    """The routes of the pages."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """`GET /channel/<name>?as=<person>`; without a person nobody's ephemerals are shown."""
        try:
            channel = self._workspace.channel(request.match_info["name"])
            viewer = request.query.get("as", "")
            viewer_id = self._workspace.user(viewer).id if viewer else ""
        except NotOnScreenError as error:
            return web.Response(status=404, text=str(error))
        nonce = secrets.token_urlsafe(12)
        policy = (
            f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return web.Response(
            text=self.page(channel, viewer_id, nonce),
            content_type="text/html",
            headers={"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"},
        )

    def page(self, channel: "Channel", viewer_id: str = "", nonce: str = "") -> str:
        team = escape(self._workspace.directory.team.name)
        name = escape(channel.name or channel.id)
        links = "".join(self._link(one, is_here=one is channel) for one in self._listed(viewer_id))
        bot = escape(self._workspace.users[self._workspace.bot_id].name)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>#{name} | {team}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
            f'<nav><h1>{team}</h1><h2>Channels</h2>{links}<h2>Apps</h2><p><i class="dot"></i>{bot}</p></nav>'
            f"<main><header><b>#&thinsp;{name}</b><span>{escape(channel.topic)}</span>"
            f'<span class="count">{len(channel.members)} members</span></header>'
            f'<section id="stream">{self.stream(channel, viewer_id)}</section></main>'
            f'<script nonce="{escape(nonce)}">{_SCRIPT}</script></body></html>'
        )

    def _listed(self, viewer_id: str) -> "list[Channel]":
        """Return the channels of the sidebar: public ones, and private ones the viewer is in."""
        return [
            one
            for one in self._workspace.channels.values()
            if one.kind is ChannelKind.PUBLIC or (one.kind is ChannelKind.PRIVATE and viewer_id in one.members)
        ]

    def _link(self, channel: "Channel", *, is_here: bool) -> str:
        mark = "#" if channel.kind is ChannelKind.PUBLIC else "🔒"
        here = ' class="here"' if is_here else ""
        return f"<p{here}>{mark}&thinsp;{escape(channel.name)}</p>"

    def stream(self, channel: "Channel", viewer_id: str) -> str:
        """Draw the messages, each with its thread below it."""
        own = [one for one in channel.ephemerals if one.ephemeral_to == viewer_id]
        roots = sorted([*channel.roots(), *(one for one in own if not one.is_reply)], key=lambda one: one.ts)
        html = ""
        for root in roots:
            html += self._message(root, viewer_id)
            thread = [*channel.replies(root.ts), *(one for one in own if one.is_reply and one.thread_ts == root.ts)]
            if thread and not root.is_reply:
                inner = "".join(self._message(one, viewer_id) for one in sorted(thread, key=lambda one: one.ts))
                count = f"{len(thread)} {'reply' if len(thread) == 1 else 'replies'}"
                html += f'<div class="thread"><div class="count">{count}</div>{inner}</div>'
        return html or '<p class="empty">Nothing has been said here yet.</p>'

    def _message(self, message: "Message", viewer_id: str) -> str:
        wording = Wording(self._workspace, viewer_id)
        markup = Markup(wording)
        name = message.username or wording.name(message.user_id)
        user = self._workspace.users.get(message.user_id)
        shown = name if message.by_app or user is None else user.real_name or name
        body = markup.blocks(message.blocks) if message.blocks else markup.mrkdwn(message.text)
        for attachment in message.content.attachments:
            texts = "".join(markup.mrkdwn(str(attachment[one])) for one in ("title", "text") if attachment.get(one))
            body += f'<div class="attachment">{texts}{markup.blocks(attachment.get("blocks", []))}</div>'
        for file in message.files:
            body += (
                f'<div class="file">📎 <b>{escape(file["title"])}</b> {file["size"]} bytes</div>{self._picture(file)}'
            )
        reactions = "".join(
            f'<span class="reaction">{escape(emoji(one))} {len(people)}</span>'
            for one, people in message.reactions.items()
        )
        edited = '<small class="edited">(edited)</small>' if message.edited_ts and not message.blocks else ""
        only_you = '<div class="only">👁 Only visible to you</div>' if message.ephemeral_to else ""
        typed = (
            f'<div class="only">{escape(wording.name(message.typed_by))} used {escape(message.typed_command)}</div>'
            if message.typed_command
            else ""
        )
        badge = '<span class="badge">APP</span>' if message.by_app else ""
        colour = "#1f2a44" if message.by_app else _COLOURS[sum(map(ord, message.user_id)) % len(_COLOURS)]
        initial = "⇄" if message.by_app else escape(shown[:1].upper())
        return (
            f'<article class="{"ephemeral" if message.ephemeral_to else ""}">'
            f'<div class="avatar" style="background:{colour}">{initial}</div><div class="body">{typed}{only_you}'
            f"<div><b>{escape(shown)}</b>{badge}<time>{wording.time(message.ts)}</time></div>"
            f"{body}{edited}{reactions}</div></article>"
        )

    def _picture(self, file: "Json") -> str:
        """Draw a picture below its name, as Slack does."""
        stored = self._workspace.files.files.get(file["id"])
        if stored is None or stored.content is None or not stored.content.startswith(_PNG):
            return ""
        return f'<img class="picture" alt="" src="data:image/png;base64,{b64encode(stored.content).decode()}">'


_STYLE = """
*{box-sizing:border-box}
.picture{display:block;max-width:min(100%,760px);margin-top:6px;border:1px solid #ddd;border-radius:8px}
body{margin:0;display:flex;min-height:100vh;
  font:15px/1.46 Lato,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:#1d1c1d;
  background:#fff}
nav{width:220px;flex:none;background:#1f2a44;color:#cdd5e6;padding:16px 12px}
nav h1{font-size:18px;margin:0 8px 18px;color:#fff}
nav h2{font-size:12px;font-weight:600;margin:18px 8px 6px;opacity:.75;text-transform:uppercase;letter-spacing:.04em}
nav p{margin:1px 0;padding:4px 8px;border-radius:6px}
nav .here{background:#3b5bdb;color:#fff}
.dot{display:inline-block;width:9px;height:9px;border-radius:50%;background:#2bac76;margin-right:7px}
main{flex:1;min-width:0}
header{position:sticky;top:0;background:#fff;border-bottom:1px solid #e2e2e5;padding:14px 22px;display:flex;
  gap:16px;align-items:baseline;z-index:1}
header b{font-size:18px}
header span{color:#616061;font-size:13px}
header .count{margin-left:auto;color:#616061;font-weight:400}
#stream{padding:14px 22px 40px;max-width:920px}
article{display:flex;gap:10px;padding:7px 8px;border-radius:6px}
article:hover{background:#f8f8fa}
.avatar{width:36px;height:36px;border-radius:8px;flex:none;color:#fff;font-weight:700;font-size:18px;display:flex;
  align-items:center;justify-content:center}
.body{min-width:0;flex:1;overflow-wrap:anywhere}
time{color:#616061;font-size:12px;margin-left:8px}
.badge{background:#e8e8ea;color:#616061;font-size:10px;font-weight:700;border-radius:3px;padding:1px 4px;
  margin-left:6px;vertical-align:1px}
.only,.edited,.context{color:#616061;font-size:12.5px}
.edited{margin-left:4px}
.ephemeral{background:#fbfaf4}
p{margin:0}
.block{margin:5px 0}
.header p{font-size:18px;font-weight:900}
.context{display:flex;flex-wrap:wrap;gap:4px 10px}
.actions{display:flex;gap:8px;flex-wrap:wrap;margin-top:8px}
.button,.menu{border:1px solid #bbbcc0;border-radius:8px;padding:5px 13px;font-weight:700;font-size:14px;
  background:#fff;display:inline-block}
.button p,.menu p{display:inline}
.primary{background:#007a5a;border-color:#007a5a;color:#fff}
.danger{background:#e01e5a;border-color:#e01e5a;color:#fff}
.menu::after{content:" ▾"}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:6px 18px;margin-top:4px}
.beside{display:flex;justify-content:space-between;gap:14px;align-items:flex-start}
hr{border:0;border-top:1px solid #e2e2e5}
code{background:#f5f5f6;border:1px solid #e2e2e5;border-radius:3px;padding:1px 4px;color:#c01343;
  font:13px/1.4 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{background:#f8f8f9;border:1px solid #e2e2e5;border-radius:5px;padding:8px 10px;margin:4px 0;
  font:13px/1.45 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap}
blockquote{margin:3px 0;padding-left:12px;border-left:4px solid #ddd}
ul,ol{margin:2px 0;padding-left:24px}
.mention{background:#e8f2fb;color:#1264a3;border-radius:3px;padding:0 3px}
.link{color:#1264a3}
.thread{margin:2px 0 10px 26px;padding-left:14px;border-left:2px solid #d9dbe3}
.thread .avatar{width:26px;height:26px;font-size:13px;border-radius:6px}
.count{color:#1264a3;font-size:13px;font-weight:700}
.thread>.count{padding:2px 8px}
.attachment{border-left:4px solid #ddd;padding-left:12px;margin:5px 0}
.file{border:1px solid #e2e2e5;border-radius:8px;padding:8px 12px;margin:6px 0;display:inline-block;color:#616061}
.file b{color:#1d1c1d}
.reaction{display:inline-block;background:#f0f0f2;border-radius:12px;padding:1px 8px;font-size:12.5px;
  margin:4px 4px 0 0}
table{border-collapse:collapse;margin:4px 0}
td{border:1px solid #e2e2e5;padding:4px 10px}
tr:first-child{font-weight:700}
.task{display:flex;gap:8px;margin:3px 0}
.task i{font-style:normal}
.complete i{color:#007a5a}
.error i{color:#e01e5a}
.in_progress i{color:#1264a3}
.alert,.card,.container{border:1px solid #e2e2e5;border-radius:8px;padding:8px 12px}
.empty{color:#616061}
label{font-weight:700}
"""

_SCRIPT = """
let busy=false,again=false;
async function renew(){if(busy){again=true;return}busy=true;
const text=await(await fetch(location.href)).text();
const fresh=new DOMParser().parseFromString(text,'text/html').getElementById('stream');
const old=document.getElementById('stream');
if(fresh&&old&&fresh.innerHTML!==old.innerHTML)old.replaceWith(fresh);
busy=false;if(again){again=false;renew()}}
new EventSource('/control/changes').addEventListener('change',renew);
"""
