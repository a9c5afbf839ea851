// The column of places and people: channels, the app, and who one is.

import { h } from "./dom.js";
import { store, unread } from "./store.js";

const ROLES = { "vm-approvers": "may approve", "vm-oncall": "is on call" };

export class Sidebar {
  constructor({ go, become }) {
    this.go = go;
    this.places = h("ul", {});
    this.apps = h("ul", {});
    this.team = h("h2", { class: "team" });
    this.who = h("select", { id: "who", on: { change: () => become(this.who.value) } });
    this.second = h("a", { class: "second", target: "_blank", rel: "noopener" });
    this.node = h("nav", { id: "sidebar", "aria-label": "Workspace" },
      this.team,
      h("label", { for: "who" }, "You are"), this.who, this.second,
      h("h3", {}, "Channels"), this.places, h("h3", {}, "Apps"), this.apps);
  }

  show(at) {
    const { all, channels } = store;
    this.team.textContent = all.team;
    const shown = all.people.map((one) => one.name).join();
    if (this.drawnWho !== shown) {
      this.drawnWho = shown;
      this.who.replaceChildren(...all.people.map((one) => h("option", { value: one.name }, `${one.name} — ${roleOf(one)}`)));
    }
    this.who.value = all.me.name;
    const other = all.people.find((one) => one.groups.includes("vm-approvers") && one.id !== all.me.id);
    this.second.hidden = !other;
    if (other) {
      this.second.href = `/?as=${encodeURIComponent(other.name)}`;
      this.second.textContent = `Open a window as ${other.name} ↗`;
    }
    fill(this.places, [...channels.values()].filter((one) => !one.is_app).map((one) => this.place(one, at)));
    const direct = [...channels.values()].find((one) => one.is_app);
    fill(this.apps, [this.item("app", all.app.name, "⇄", at.tab !== "channel", direct ? unread(direct) : { count: 0, mentions: 0 }, () => this.go("app", "home"))]);
  }

  place(one, at) {
    const mark = one.is_private ? "🔒" : one.is_direct ? "@" : "#";
    return this.item(one.id, one.name, mark, at.tab === "channel" && one.id === at.channel, unread(one), () => this.go(one.id));
  }

  item(key, name, mark, isHere, fresh, open) {
    const badge = fresh.count ? h("span", { class: "count", "aria-label": `${fresh.count} unread` }, String(fresh.count)) : null;
    return h("li", {}, h("button", { type: "button", class: fresh.count ? "place unread" : "place", "aria-current": isHere ? "page" : null, "data-key": key, on: { click: open } },
      h("span", { "aria-hidden": "true" }, `${mark} `), name, badge));
  }
}

function roleOf(person) {
  if (person.name === "mallory") return "may nothing";
  return person.groups.map((one) => ROLES[one] || one).join(", ") || "asks";
}

/** Replaces the items, and keeps the keyboard where it was. */
function fill(list, items) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...items);
  if (focused) [...list.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused)?.focus();
}
