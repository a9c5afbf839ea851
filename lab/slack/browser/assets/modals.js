// Shows the form that the app opened, on top of everything; and Home, which is drawn by the same rules.

import { h, keepFocus, newId, say } from "./dom.js";
import { inlineRich } from "./rich.js";
import { blocks } from "./blocks.js";
import { act } from "./server.js";
import { store } from "./store.js";
import { appFailed } from "./messages.js";

/** What the controls of a form or of Home need; what was typed stays while the app changes what is around it. */
function placeOf(view, draft, isHome) {
  const known = new Set(view.blocks.flatMap((block) => elementsOf(block).map((one) => `${block.block_id}/${one.action_id}`)));
  for (const key of draft.keys()) if (!known.has(key)) draft.delete(key);
  return {
    state: view.state,
    errors: view.errors,
    draft,
    inputs: [],
    words: appFailed,
    people: () => store.all.people.map((one) => ({ value: one.id, label: one.real_name })),
    places: () => store.all.channels.map((one) => ({ value: one.id, label: `#${one.name}` })),
    suggest: async (block, element, typed) => {
      const found = await act(store.all.me.id, "suggest", { name: `${block.block_id}/${element.action_id}`, typed });
      return Array.isArray(found) ? found : [];
    },
    use: (block, element, value) => {
      const name = `${block.block_id}/${element.action_id}`;
      const typed = Object.fromEntries([...draft].filter(([key]) => key !== name));
      return act(store.all.me.id, "press", { name, value, home: isHome, typed: isHome ? {} : typed });
    },
  };
}

const elementsOf = (block) => [block.element, block.accessory, ...(block.elements || [])].filter((one) => one && one.action_id);

export class Modal {
  constructor() {
    this.draft = new Map();
    this.shown = null;
    this.node = null;
  }

  /** Shows the form as it is now, or none. */
  show(view) {
    if (!view) return this.end();
    if (this.shown && this.shown.id === view.id) return this.redraw(view);
    this.end();
    this.draft = new Map();
    this.shown = view;
    this.node = h("dialog", { class: "modal", on: { cancel: (event) => (event.preventDefault(), this.close(false)) } });
    this.draw(view);
    document.body.append(this.node);
    this.node.showModal();
    this.node.querySelector("[autofocus], main input, main select, main textarea, footer button")?.focus();
    say(view.title.plain);
  }

  redraw(view) {
    if (view.hash === this.shown.hash && JSON.stringify(view.errors) === JSON.stringify(this.shown.errors)) return;
    this.shown = view;
    keepFocus(this.node, () => (this.draw(view), this.node));
    if (!this.node.contains(document.activeElement)) this.node.querySelector("main input, main select, footer button")?.focus();
  }

  draw(view) {
    this.place = placeOf(view, this.draft, false);
    const id = newId("form");
    this.node.setAttribute("aria-labelledby", id);
    this.wrong = h("p", { class: "wrong", role: "alert" });
    this.sendButton = view.submit
      ? h("button", { type: "button", class: "button primary", "data-key": "submit", on: { click: () => this.submit() } }, inlineRich(view.submit))
      : null;
    const back = h("button", { type: "button", class: "button", "data-key": "close", on: { click: () => this.close(false) } },
      view.close ? inlineRich(view.close) : view.submit ? "Cancel" : "Close");
    this.node.replaceChildren(
      h("header", {}, h("h2", { id }, inlineRich(view.title)),
        h("button", { type: "button", class: "plain", "aria-label": "Close the form", "data-key": "x", on: { click: () => this.close(true) } }, "×")),
      h("main", {}, blocks(view.blocks, this.place), this.wrong),
      h("footer", {}, back, this.sendButton),
    );
  }

  /** Says what Slack's own client says before it sends anything. Answers whether all is complete. */
  isComplete() {
    let first = null;
    for (const { block, made, wrong } of this.place.inputs) {
      const value = made.read();
      const isEmpty = value === null || value === "" || (Array.isArray(value) && !value.length);
      const problem = made.problem() || (isEmpty && !block.optional ? "Please complete this required field." : "");
      wrong.textContent = problem;
      const control = made.node.matches("input, select, textarea") ? made.node : made.node.querySelector("input");
      if (problem) control?.setAttribute("aria-invalid", "true");
      else control?.removeAttribute("aria-invalid");
      if (problem && !first) first = control;
    }
    first?.focus();
    return !first;
  }

  async submit() {
    if (this.sendButton.getAttribute("aria-busy") || !this.isComplete()) return;
    const values = Object.fromEntries(this.place.inputs.map(({ block, made }) => [`${block.block_id}/${block.element.action_id}`, made.read()]));
    this.wrong.textContent = "";
    this.sendButton.setAttribute("aria-busy", "true");
    const told = await act(store.all.me.id, "submit", { values });
    this.sendButton?.removeAttribute("aria-busy");
    if (told.error) this.wrong.textContent = `⚠ ${told.error === "warning sign" ? "We had some trouble connecting. Try again?" : told.error}`;
  }

  close(everything) {
    return act(store.all.me.id, "close", { everything });
  }

  end() {
    if (!this.node) return;
    this.node.close();
    this.node.remove();
    this.node = this.shown = null;
  }
}

/** Draws Home into a place of the page. */
export class Home {
  constructor() {
    this.draft = new Map();
    this.shown = null;
    this.node = h("div", { class: "home" });
  }

  show(view) {
    if (this.shown && view && this.shown.hash === view.hash) return;
    this.shown = view;
    const draw = () => {
      this.node.replaceChildren(...(view ? blocks(view.blocks, placeOf(view, this.draft, true)) : [h("p", { class: "empty" }, "migrate-bot has shown nothing here yet.")]));
      return this.node;
    };
    keepFocus(this.node, draw);
  }
}
