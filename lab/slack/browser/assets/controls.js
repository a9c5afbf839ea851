// Makes what can be pressed or chosen outside of input blocks: buttons, menus, pickers. What happens is the place's business.

import { h, say } from "./dom.js";
import { inlineRich } from "./rich.js";
import { confirmed } from "./confirm.js";
import { field } from "./fields.js";

/** `place.use(block, element, value)` sends it to the app and answers with an error, or nothing. */
export function control(block, element, place) {
  const use = (value) => send(block, element, value, place);
  switch (element.type) {
    case "button":
    case "icon_button":
      return button(block, element, use);
    case "overflow":
      return overflow(block, element, use);
    case "feedback_buttons":
      return ["positive_button", "negative_button"].map((name) => button(block, { ...element, ...element[name] }, use));
    case "image":
      return h("em", {}, element.plain || "picture");
    default:
      return field(block, element, place, { label: labelOf(element), changed: use }).node;
  }
}

const labelOf = (element) => (element.placeholder ? element.placeholder.plain : element.type.replaceAll("_", " "));
const keyOf = (block, element) => element.action_id || block.block_id;

/** A press that shows that it is under way, and what went wrong. */
function button(block, element, use) {
  const made = h(
    "button",
    {
      type: "button",
      class: `button ${element.style || ""}`,
      "data-key": keyOf(block, element),
      "data-action": element.action_id,
      "aria-label": element.accessibility_label || null,
      title: element.url || null,
    },
    inlineRich(element.text),
  );
  const error = h("span", { class: "wrong", role: "alert" });
  made.addEventListener("click", async () => {
    if (made.getAttribute("aria-busy")) return;
    if (element.confirm && !(await confirmed(element.confirm))) return;
    error.textContent = "";
    made.setAttribute("aria-busy", "true");
    const wrong = await use(undefined);
    made.removeAttribute("aria-busy");
    if (wrong) error.textContent = `⚠ ${wrong}`;
  });
  return h("span", { class: "pressed" }, made, error);
}

function overflow(block, element, use) {
  const menu = h("details", { class: "overflow" });
  const choose = async (option) => {
    menu.open = false;
    if (element.confirm && !(await confirmed(element.confirm))) return;
    await use(option.value);
  };
  const items = element.options.map((option) =>
    h("button", { type: "button", class: "item", on: { click: () => choose(option) } }, inlineRich(option.text)),
  );
  menu.append(h("summary", { "aria-label": "More", "data-key": keyOf(block, element) }, "⋯"), h("div", {}, items));
  return menu;
}

async function send(block, element, value, place) {
  const answer = await place.use(block, element, value);
  const wrong = answer && answer.error ? place.words(answer.error) : "";
  if (wrong) say(wrong);
  return wrong;
}
