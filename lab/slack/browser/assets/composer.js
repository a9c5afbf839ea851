// The box to type in: messages, slash commands, and what could be meant by what was typed so far.

import { h, newId, say } from "./dom.js";
import { act } from "./server.js";
import { store } from "./store.js";
import { offersFor } from "./completion.js";

/** `where()` answers with {channel, thread_ts}; `sent()` hears when something was sent. */
export class Composer {
  constructor(label, where, sent) {
    this.where = where;
    this.sent = sent;
    this.offers = [];
    this.active = -1;
    this.history = [];
    const listId = newId("offers");
    this.input = h("textarea", {
      rows: 1,
      "aria-label": label,
      placeholder: label,
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": listId,
      spellcheck: "false",
      "data-key": `composer ${label}`,
    });
    this.list = h("ul", { id: listId, role: "listbox", "aria-label": "Suggestions", class: "offers above", hidden: true });
    this.hint = h("p", { class: "usage", hidden: true });
    this.send = h("button", { type: "button", class: "button primary send", "aria-label": "Send", on: { click: () => this.submit() } }, "➤");
    this.wrong = h("p", { class: "wrong", role: "alert" });
    this.node = h("div", { class: "composer" }, this.list, this.hint, h("div", { class: "typing" }, this.input, this.send), this.wrong);
    this.input.addEventListener("input", () => this.look());
    this.input.addEventListener("click", () => this.look());
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.key(event));
  }

  look() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 160)}px`;
    const before = this.input.value.slice(0, this.input.selectionStart);
    const { offers, hint } = offersFor(before, Boolean(this.where().thread_ts));
    this.offers = offers;
    this.active = -1;
    this.hint.textContent = hint;
    this.hint.hidden = !hint;
    this.list.hidden = !offers.length;
    this.input.setAttribute("aria-expanded", String(offers.length > 0));
    this.list.replaceChildren(
      ...offers.map((one, number) =>
        h("li", { role: "option", id: `${this.list.id}-${number}`, "aria-selected": "false",
          on: { mousedown: (event) => (event.preventDefault(), this.take(one)) } },
        h("b", {}, one.label), one.about && h("small", {}, one.about)),
      ),
    );
  }

  mark(number) {
    this.active = (number + this.offers.length) % this.offers.length;
    [...this.list.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === this.active)));
    this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.active}`);
    this.list.children[this.active].scrollIntoView({ block: "nearest" });
  }

  close() {
    this.list.hidden = true;
    this.hint.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  /** Tab takes the first offer, or the marked one; Enter takes a marked one and otherwise sends. */
  key(event) {
    const isOpen = !this.list.hidden && this.offers.length > 0;
    if (event.isComposing) return;
    if (isOpen && event.key === "ArrowDown") this.mark(this.active + 1);
    else if (isOpen && event.key === "ArrowUp") this.mark(this.active < 0 ? this.offers.length - 1 : this.active - 1);
    else if (isOpen && event.key === "Tab" && !event.shiftKey) this.take(this.offers[Math.max(this.active, 0)]);
    else if (isOpen && event.key === "Escape") this.close();
    else if (isOpen && event.key === "Enter" && this.active >= 0) this.take(this.offers[this.active]);
    else if (event.key === "Enter" && !event.shiftKey) this.submit();
    else if (event.key === "ArrowUp" && !this.input.value && this.history.length) this.put(this.history.at(-1));
    else return;
    event.preventDefault();
  }

  put(text) {
    this.input.value = text;
    this.input.setSelectionRange(text.length, text.length);
    this.look();
  }

  async take(offer) {
    if (offer.shortcut) {
      this.put("");
      this.close();
      await this.tell(act(store.all.me.id, "shortcut", { callback_id: offer.shortcut }));
      return;
    }
    const caret = this.input.selectionStart;
    const text = this.input.value;
    const before = text.slice(0, caret - offer.replaces) + offer.text;
    this.input.value = before + text.slice(caret);
    this.input.setSelectionRange(before.length, before.length);
    this.input.focus();
    this.look();
  }

  async submit() {
    const text = this.input.value.trim();
    if (!text) return;
    const { channel, thread_ts } = this.where();
    this.history.push(text);
    this.put("");
    this.close();
    const body = { channel, thread_ts: thread_ts || "" };
    const isCommand = text.startsWith("/");
    this.sent();
    await this.tell(act(store.all.me.id, isCommand ? "slash" : "say", isCommand ? { ...body, line: text } : { ...body, text }));
  }

  /** A command that failed is told in the channel, as Slack does; anything else is told here. */
  async tell(answer) {
    const told = await answer;
    this.wrong.textContent = told.error && told.is_sent === undefined ? `⚠ ${told.error}` : "";
    if (told.error) say(told.error);
  }
}
