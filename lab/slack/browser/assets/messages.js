// Draws messages, a channel's and a thread's, and sends what is pressed in them.

import { h, keepFocus } from "./dom.js";
import { clock, rich } from "./rich.js";
import { blocks } from "./blocks.js";
import { act } from "./server.js";
import { isThreadUnread, replies, store } from "./store.js";

const COLOURS = 8;

/** A list that keeps its elements: a message that changes is drawn again, the others stay as they are. */
export class MessageList {
  /** `openThread(message)` is missing inside a thread. */
  constructor(label, openThread) {
    this.openThread = openThread;
    this.drawn = new Map();
    this.node = h("div", { class: "stream", role: "log", "aria-label": label, tabindex: "0" });
  }

  show(channel, messages, { newSince = "", empty = "Nothing has been said here yet." } = {}) {
    const isAtEnd = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 60;
    const wanted = new Map(messages.map((one) => [one.ts, one]));
    for (const [ts, old] of this.drawn) {
      if (!wanted.has(ts)) {
        old.node.remove();
        this.drawn.delete(ts);
      }
    }
    this.node.querySelector(".empty")?.remove();
    this.node.querySelector(".newer")?.remove();
    let before = null;
    for (const message of messages) {
      const summary = this.openThread ? threadKey(channel, message) : "";
      const old = this.drawn.get(message.ts);
      const isSame = old && old.message === message && old.summary === summary;
      if (!isSame) {
        const node = article(channel, message, this.openThread);
        if (old) keepFocus(old.node, () => (old.node.replaceWith(node), node));
        this.drawn.set(message.ts, { node, message, summary });
      }
      const { node } = this.drawn.get(message.ts);
      if (!node.isConnected) {
        if (before) before.after(node);
        else this.node.prepend(node);
      }
      before = node;
    }
    if (!messages.length) this.node.append(h("p", { class: "empty" }, empty));
    const first = newSince && messages.find((one) => one.ts > newSince && one.author_id !== store.all.me.id);
    if (first) this.drawn.get(first.ts).node.before(h("div", { class: "newer", role: "separator" }, h("span", {}, "New")));
    if (isAtEnd) this.toEnd();
  }

  toEnd() {
    this.node.scrollTop = this.node.scrollHeight;
  }
}

function threadKey(channel, message) {
  const all = replies(channel, message.ts);
  return all.length ? `${all.length} ${all.at(-1).ts} ${isThreadUnread(channel, message.ts)}` : "";
}

function article(channel, message, openThread) {
  const content = [
    message.typed && h("p", { class: "small" }, message.typed),
    message.is_for_me_only && h("p", { class: "small" }, "👁 Only visible to you"),
    h("div", { class: "who" }, h("b", {}, message.author), message.is_app && h("span", { class: "badge" }, "APP"), clock(message.ts),
      message.is_broadcast && h("span", { class: "small" }, "replied to a thread")),
    message.blocks.length ? blocks(message.blocks, placeOf(message)) : rich(message.rich),
    message.is_edited && h("span", { class: "small" }, "(edited)"),
    message.attachments.map((one) => h("div", { class: "attachment" }, rich(one.rich), blocks(one.blocks, placeOf(message)))),
    message.files.map(file),
    message.reactions.length
      ? h("p", { class: "reactions" }, message.reactions.map((one) => h("span", { class: "reaction", "aria-label": `${one.count} × ${one.name}` }, `${one.text} ${one.count}`)))
      : null,
    openThread && threadLine(channel, message, openThread),
  ];
  const face = message.is_app ? "⇄" : message.author.slice(0, 1).toUpperCase();
  const colour = [...message.author_id].reduce((sum, one) => sum + one.charCodeAt(0), 0) % COLOURS;
  return h("article", { class: message.is_for_me_only ? "message mine-only" : "message", "aria-label": `${message.author}: ${message.text.slice(0, 80)}`, "data-ts": message.ts },
    h("div", { class: message.is_app ? "face app" : `face colour${colour}`, "aria-hidden": "true" }, face),
    h("div", { class: "body" }, content));
}

function threadLine(channel, message, openThread) {
  if (message.is_for_me_only || message.thread_ts) return null;
  const all = replies(channel, message.ts);
  const open = { click: () => openThread(message.ts) };
  if (!all.length) {
    return h("button", { type: "button", class: "reply-here", "data-key": "thread", on: open }, "Reply in thread");
  }
  const isNew = isThreadUnread(channel, message.ts);
  const words = `${all.length} ${all.length === 1 ? "reply" : "replies"}`;
  return h("button", { type: "button", class: isNew ? "thread-line unread" : "thread-line", "data-key": "thread", on: open },
    words, isNew && h("span", { class: "small" }, " new"), h("span", { class: "small" }, " last at ", clock(all.at(-1).ts)));
}

function file(one) {
  const url = `/screen/file/${encodeURIComponent(one.id)}`;
  const name = h("p", { class: "file" }, "📎 ", h("a", { href: url, target: "_blank", rel: "noopener" }, one.title), ` ${one.size_bytes} bytes`);
  if (!one.is_picture) return name;
  return [name, h("a", { href: url, target: "_blank", rel: "noopener" }, h("img", { class: "picture", src: url, alt: one.title }))];
}

/** Where a message's controls send what is done with them. */
function placeOf(message) {
  return {
    state: {},
    errors: {},
    draft: new Map(),
    inputs: [],
    people: () => store.all.people.map((one) => ({ value: one.id, label: one.real_name })),
    places: () => store.all.channels.map((one) => ({ value: one.id, label: `#${one.name}` })),
    suggest: async () => [],
    words: appFailed,
    use: (block, element, value) =>
      act(store.all.me.id, "click", { channel: message.channel_id, ts: message.ts, block_id: block.block_id, action_id: element.action_id, value }),
  };
}

/** What Slack shows as a warning sign, in words. */
export function appFailed(error) {
  return error === "warning sign" ? "migrate-bot did not answer." : error;
}
