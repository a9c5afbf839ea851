// Draws blocks as the app sent them. Whatever can be used in them is made by controls.js.

import { h } from "./dom.js";
import { inlineRich, rich } from "./rich.js";
import { control } from "./controls.js";
import { inputBlock } from "./fields.js";

const STATUS = { pending: "○", in_progress: "◐", complete: "✔", error: "✘" };

/** `place` tells what is done with a control that is used, and what was typed: see messages.js and modals.js. */
export function blocks(list, place) {
  return (list || []).map((block) => h("div", { class: `block ${block.type}` }, drawn(block, place)));
}

function drawn(block, place) {
  switch (block.type) {
    case "section":
      return section(block, place);
    case "header":
      return h("h3", {}, inlineRich(block.text));
    case "divider":
      return h("hr");
    case "context":
      return block.elements.map((one) => (one.type === "image" ? picture(one) : h("span", {}, inlineRich(one))));
    case "actions":
    case "context_actions":
      return block.elements.map((one) => control(block, one, place));
    case "input":
      return inputBlock(block, place);
    case "rich_text":
    case "markdown":
      return rich(block.rich);
    case "image":
      return h("figure", {}, picture(block), block.title && h("figcaption", {}, inlineRich(block.title)));
    case "table":
      return table(block.rows);
    case "alert":
      return h("div", { class: `level-${block.level || "default"}`, role: "note" }, rich(block.text.rich));
    case "plan":
      return [h("p", {}, h("b", {}, block.title)), (block.tasks || []).map(task)];
    case "task_card":
      return task(block);
    case "card":
    case "container":
    case "carousel":
      return box(block, place);
    default:
      return h("p", { class: "unknown" }, `(a block of the type ${block.type})`);
  }
}

function section(block, place) {
  const words = [
    block.text && rich(block.text.rich),
    block.fields && h("div", { class: "fields" }, block.fields.map((one) => h("div", {}, rich(one.rich)))),
  ];
  if (!block.accessory) return words;
  const beside = block.accessory.type === "image" ? picture(block.accessory) : control(block, block.accessory, place);
  return h("div", { class: "beside" }, h("div", {}, words), beside);
}

/** Pictures from elsewhere are not fetched: the page talks to the lab alone. */
function picture(element) {
  return h("em", {}, element.plain || "picture");
}

function box(block, place) {
  if (block.type === "carousel") return blocks(block.elements, place);
  const texts = ["title", "subtitle", "body"].map((name) => block[name] && rich(block[name].rich));
  const buttons = (block.actions || []).map((one) => control(block, one, place));
  return [texts, blocks(block.child_blocks, place), buttons.length ? h("div", { class: "actions" }, buttons) : null];
}

function task(one) {
  const more = ["details", "output"].map((name) => one[name] && rich(one[name].rich));
  const mark = h("i", { role: "img", "aria-label": one.status.replaceAll("_", " ") }, STATUS[one.status] || "");
  return h("div", { class: `task ${one.status}` }, mark, h("div", {}, one.title, more));
}

function table(rows) {
  const cell = (tag) => (one) => h(tag, {}, one.rich ? rich(one.rich) : one.plain || "");
  const [first, ...rest] = rows;
  const head = h("thead", {}, h("tr", {}, first.map(cell("th"))));
  return h("table", {}, head, h("tbody", {}, rest.map((row) => h("tr", {}, row.map(cell("td"))))));
}
