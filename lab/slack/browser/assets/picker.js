// A menu that searches: what is typed is asked for, and one or many of the answers are chosen. Follows ARIA's combobox.

import { entity, h, newId, say } from "./dom.js";

const PAUSE_MS = 150;

/** `find(typed)` gives options; `given` are those chosen so far; `changed(value)` hears each choice. */
export function picker(common, { find, given, isMany, changed, label, isRaw, from }) {
  const listId = newId("list");
  const chosen = given.map(tidy);
  let shown = [];
  let active = -1;
  let turn = 0;
  let timer = 0;
  let settled = Promise.resolve();

  const input = h("input", {
    ...common,
    type: "text",
    role: "combobox",
    autocomplete: "off",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
  });
  const list = h("ul", { id: listId, role: "listbox", class: "offers", "aria-label": label, hidden: true });
  const chips = h("div", { class: "chips" });
  const node = h("div", { class: "picker" }, chips, input, list);

  const value = () => {
    const all = chosen.map((one) => (isRaw ? one.raw : one.value));
    return isMany ? all : (all[0] ?? null);
  };

  function drawChips() {
    chips.replaceChildren(
      ...chosen.map((one, number) =>
        h("span", { class: "chip" }, one.label,
          h("button", { type: "button", "aria-label": `Remove ${one.label}`, on: { click: () => drop(number) } }, "×")),
      ),
    );
  }

  function drop(number) {
    chosen.splice(number, 1);
    drawChips();
    input.focus();
    changed(value());
  }

  function choose(option) {
    if (!isMany) chosen.length = 0;
    if (!chosen.some((one) => one.value === option.value)) chosen.push(option);
    input.value = "";
    clearTimeout(timer);
    turn += 1; // an answer that is still on its way is about what was typed before
    close();
    drawChips();
    say(`${option.label} chosen`);
    changed(value());
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(number) {
    active = number;
    [...list.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === active)));
    const one = list.children[active];
    if (!one) return;
    input.setAttribute("aria-activedescendant", one.id);
    one.scrollIntoView({ block: "nearest" });
  }

  async function search() {
    const typed = input.value.trim();
    const mine = ++turn;
    if (typed.length < from) return close();
    const found = (await find(typed)).map(tidy);
    if (mine !== turn) return; // something newer was typed meanwhile
    shown = found.filter((one) => !chosen.some((other) => other.value === one.value));
    const items = shown.map((one, number) =>
      h("li", { role: "option", id: `${listId}-${number}`, "aria-selected": "false",
        on: { mousedown: (event) => (event.preventDefault(), choose(one)) } },
      one.label, one.about && h("small", {}, one.about)),
    );
    list.replaceChildren(...(items.length ? items : [h("li", { class: "none" }, "Nothing found")]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(shown.length ? 0 : -1);
  }

  /** Enter takes what was found for all that was typed, also when the answer is still on its way. */
  async function takeFirst() {
    await settled;
    if (shown[active]) choose(shown[active]);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    active = -1;
    settled = new Promise((resolve) => {
      timer = setTimeout(() => search().then(resolve), PAUSE_MS);
    });
  });
  input.addEventListener("focus", search);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" && !isOpen) search();
    else if (event.key === "ArrowDown") mark(Math.min(active + 1, shown.length - 1));
    else if (event.key === "ArrowUp" && isOpen) mark(Math.max(active - 1, 0));
    else if (event.key === "Enter" && (isOpen || input.value)) takeFirst();
    else if (event.key === "Escape" && isOpen) close();
    else if (event.key === "Backspace" && !input.value && chosen.length) drop(chosen.length - 1);
    else return;
    if (event.key !== "Backspace") event.preventDefault();
    event.stopPropagation();
  });
  drawChips();
  return { node, read: value, problem: () => (input.value.trim() ? `Choose one of those that are offered for “${input.value.trim()}”.` : "") };
}

/** An option of the app's, or one that is tidy already. */
function tidy(option) {
  if (option.label !== undefined) return { raw: option, about: "", ...option };
  const about = option.description ? entity(option.description.text) : "";
  return { value: option.value, label: entity(option.text.text), about, raw: option };
}
