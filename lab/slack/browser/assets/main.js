// Puts the page together: who one is, where one is, and what is told by the lab.

import { h, say } from "./dom.js";
import { act, listen } from "./server.js";
import { isThreadUnread, markRead, markThreadRead, replies, roots, store, takeEverything, takeGone, takeMessage, unread } from "./store.js";
import { MessageList } from "./messages.js";
import { Composer } from "./composer.js";
import { Home, Modal } from "./modals.js";
import { Sidebar } from "./sidebar.js";
import { words } from "./completion.js";
import { Hosts } from "./hosts.js";

const asked = new URLSearchParams(location.search);
const at = { me: asked.get("as") || "alice", channel: asked.get("in") || "", tab: "channel", thread: "", newSince: "" };
let stop = () => {};

const modal = new Modal();
const home = new Home();
const sidebar = new Sidebar({ go, become });
const stream = new MessageList("Messages", openThread);
const thread = new MessageList("Replies");
const composer = new Composer("Message, or / for a command", () => ({ channel: at.channel }), () => stream.toEnd());
const answer = new Composer("Reply", () => ({ channel: at.channel, thread_ts: at.thread }), () => thread.toEnd());
const hosts = new Hosts();

const title = h("h1", {});
const topic = h("span", { class: "topic" });
const link = h("span", { class: "link", role: "status" });
const hostsButton = h("button", { type: "button", class: "button", "aria-expanded": "false", "aria-controls": "hosts", on: { click: () => showHosts(!document.body.classList.contains("with-hosts")) } }, "Hosts");
const drillLink = h("a", { class: "button", href: "/drill/", target: "_blank", hidden: true }, "The drill");
const menuButton = h("button", { type: "button", class: "plain menu", "aria-label": "Channels", "aria-controls": "sidebar", on: { click: () => document.body.classList.toggle("with-sidebar") } }, "☰");
const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "migrate-bot", hidden: true },
  ["home", "messages"].map((name) => h("button", { type: "button", role: "tab", id: `tab-${name}`, on: { click: () => go(at.channel || "app", name) } }, name === "home" ? "Home" : "Messages")));
const readOnly = h("p", { class: "usage" }, "Sending messages to this app has been turned off.");
const panel = h("aside", { id: "thread", class: "thread", "aria-label": "Thread", hidden: true },
  h("header", {}, h("h2", {}, "Thread"), h("button", { type: "button", class: "plain", "aria-label": "Close the thread", on: { click: closeThread } }, "×")),
  thread.node, answer.node);

document.getElementById("page").append(
  sidebar.node,
  h("main", { id: "conversation" }, h("header", {}, menuButton, title, topic, link, drillLink, hostsButton), tabs, stream.node, home.node, readOnly, composer.node),
  panel,
  hosts.node,
);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && at.thread && !document.querySelector("dialog[open]")) closeThread();
});
for (const event of ["focus", "visibilitychange"]) window.addEventListener(event, () => store.all && draw());
window.addEventListener("popstate", () => location.reload());

function connect() {
  stop();
  stop = listen(`/screen?as=${encodeURIComponent(at.me)}`, {
    everything: (all) => {
      takeEverything(all);
      hosts.start(all.extras);
      drillLink.hidden = !all.extras.includes("drill");
      if (!store.channels.has(at.channel) && at.channel !== "app") at.channel = named(at.channel) || named("migrations") || [...store.channels.keys()][0] || "";
      draw();
      modal.show(store.modal);
    },
    message: (message) => {
      const isNew = takeMessage(message);
      if (isNew === null) return connect(); // a conversation that is new
      if (isNew && message.author_id !== store.all.me.id) say(`${message.author}: ${message.text.slice(0, 200)}`);
      draw();
    },
    gone: (what) => (takeGone(what), draw()),
    modal: ({ modal: view }) => modal.show((store.modal = view)),
    home: ({ home: view }) => ((store.home = view), draw()),
    app: ({ is_app_there }) => ((store.isAppThere = is_app_there), draw()),
    failure: ({ what }) => say(`${what} failed: the app did not answer`),
  }, (isLinked) => {
    store.isLinked = isLinked;
    if (store.all) draw();
  });
}

const named = (name) => [...store.channels.values()].find((one) => one.name === name && !one.is_direct)?.id;
const isInFront = () => document.visibilityState === "visible" && document.hasFocus();

/** Goes to a channel by its id, or to the app by "app" and one of its tabs. */
function go(channel, tab = "channel") {
  const direct = [...store.channels.values()].find((one) => one.is_app)?.id;
  at.channel = tab === "messages" ? direct || "app" : channel;
  at.tab = tab;
  closeThread();
  document.body.classList.remove("with-sidebar");
  const place = store.channels.get(at.channel);
  at.newSince = place ? store.read.get(place.id) || "" : "";
  if (tab !== "channel") act(at.me, "home", { tab: tab === "home" ? "home" : "messages" });
  remember();
  draw();
  stream.toEnd();
  if (!composer.node.hidden) composer.input.focus();
}

function become(name) {
  at.me = name;
  at.thread = "";
  if (at.tab !== "channel") Object.assign(at, { tab: "channel", channel: "" });
  store.all = null;
  modal.end();
  remember();
  connect();
}

function remember() {
  const place = store.channels.get(at.channel);
  const where = place && !place.is_direct ? `&in=${encodeURIComponent(place.name)}` : "";
  history.replaceState(null, "", `/?as=${encodeURIComponent(at.me)}${where}`);
}

function openThread(ts) {
  at.thread = ts;
  draw();
  thread.toEnd();
  answer.input.focus();
}

function closeThread() {
  const from = at.thread;
  at.thread = "";
  if (!store.all) return;
  draw();
  if (from) document.querySelector(`article[data-ts="${CSS.escape(from)}"] [data-key=thread]`)?.focus();
}

function showHosts(isShown) {
  document.body.classList.toggle("with-hosts", isShown);
  hosts.node.hidden = !isShown;
  hostsButton.setAttribute("aria-expanded", String(isShown));
  hosts.show(); // nothing was drawn while it was hidden
}

function draw() {
  const channel = store.channels.get(at.channel);
  const isHome = at.tab === "home";
  if (channel && !isHome && isInFront()) markRead(channel);
  if (channel && at.thread && isInFront()) markThreadRead(channel, at.thread);
  title.textContent = at.tab === "channel" ? `${channel?.is_private ? "🔒" : "#"} ${channel?.name ?? ""}` : store.all.app.name;
  topic.textContent = at.tab === "channel" && channel ? channel.topic : "";
  tabs.hidden = at.tab === "channel";
  for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.id === `tab-${at.tab}`));
  stream.node.hidden = isHome;
  home.node.hidden = !isHome;
  const mayWrite = !isHome && channel && !channel.is_archived && (!channel.is_app || store.all.app.may_be_written_to);
  composer.node.hidden = !mayWrite;
  readOnly.hidden = Boolean(mayWrite) || isHome;
  readOnly.textContent = channel?.is_archived ? "This channel is archived." : "Sending messages to this app has been turned off.";
  if (isHome) home.show(store.home);
  else stream.show(channel || { messages: new Map() }, channel ? roots(channel) : [], { newSince: at.newSince });
  drawThread(channel);
  link.textContent = !store.isLinked ? "⚠ the lab does not answer" : store.isAppThere ? "" : "⚠ migrate-bot is not connected";
  sidebar.show(at);
  hosts.show();
  const fresh = [...store.channels.values()].reduce((sum, one) => sum + unread(one).count, 0);
  document.title = `${fresh ? `(${fresh}) ` : ""}${title.textContent} | ${store.all.me.name} | ${store.all.team}`;
}

function drawThread(channel) {
  const root = channel && at.thread ? channel.messages.get(at.thread) : null;
  panel.hidden = !root;
  document.body.classList.toggle("with-thread", Boolean(root));
  if (!root) return;
  answer.node.hidden = root.is_locked || channel.is_archived;
  thread.show(channel, [root, ...replies(channel, at.thread)]);
}

hosts.onWords = (some) => Object.assign(words, some);
hosts.onShown = showHosts;
if (matchMedia("(min-width: 1280px)").matches) showHosts(true);
connect();
