// Makes the fields of a form: texts, menus, boxes to tick, dates. A field knows its value in the lab's own terms.

import { h, newId } from "./dom.js";
import { inlineRich } from "./rich.js";
import { picker } from "./picker.js";

const TEXTS = { email_text_input: "email", url_text_input: "url", number_input: "text", plain_text_input: "text" };
const DATES = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };

/** An input block: its label, field, hint and error. */
export function inputBlock(block, place) {
  const id = newId("field");
  const error = place.errors[block.block_id] || "";
  const hint = block.hint ? h("p", { class: "hint", id: `${id}-hint` }, inlineRich(block.hint)) : null;
  const wrong = h("p", { class: "wrong", id: `${id}-wrong`, role: "alert" }, error);
  const about = [hint && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(" ");
  const label = block.label.plain;
  const changed = block.dispatch_action ? (value) => place.use(block, block.element, value) : () => {};
  const made = field(block, block.element, place, { id, about, label, changed, isWrong: Boolean(error) });
  place.inputs.push({ block, made, wrong });
  const optional = block.optional ? h("span", { class: "optional" }, " (optional)") : null;
  if (made.isGroup) return h("fieldset", { "aria-describedby": about }, h("legend", {}, label, optional), made.node, hint, wrong);
  return [h("label", { for: id }, label, optional), made.node, hint, wrong];
}

/** `read()` is its value as the lab takes it; `problem()` is what Slack itself would say before it sends. */
export function field(block, element, place, about) {
  const key = `${block.block_id}/${element.action_id}`;
  const given = place.draft.has(key) ? place.draft.get(key) : stored(element, (place.state[block.block_id] || {})[element.action_id]);
  const keep = (value) => place.draft.set(key, value);
  const changed = (value) => (keep(value), about.changed(value));
  const common = {
    id: about.id,
    "data-key": key,
    "data-action": element.action_id,
    "aria-describedby": about.about || null,
    "aria-invalid": about.isWrong ? "true" : null,
    "aria-label": about.id ? null : about.label,
    placeholder: element.placeholder ? element.placeholder.plain : null,
    autofocus: Boolean(element.focus_on_load),
  };
  const kind = element.type;
  if (TEXTS[kind]) return text(element, common, given, keep, changed);
  if (DATES[kind]) return moment(element, common, given, changed);
  if (kind === "checkboxes" || kind === "radio_buttons") return choices(element, common, given, changed);
  if (kind === "static_select") return menu(element, common, given, changed);
  const offered = kind.includes("users") ? place.people() : kind.includes("static") ? flat(element) : place.places();
  const find = kind.includes("external") ? (typed) => place.suggest(block, element, typed) : (typed) => among(offered, typed);
  const isMany = kind.startsWith("multi_");
  if (!isMany && !kind.endsWith("_select")) return other(element, common);
  return picker(common, { find, given: lookUp(given, offered), isMany, changed, label: about.label, isRaw: kind.includes("external"), from: kind.includes("external") ? element.min_query_length ?? 3 : 0 });
}

const flat = (element) => options(element).map((one) => ({ value: one.value, label: one.text.plain, about: one.description ? one.description.plain : "" }));
const options = (element) => [...(element.options || []), ...(element.option_groups || []).flatMap((group) => group.options)];
const among = async (offered, typed) => offered.filter((one) => one.label.toLowerCase().includes(typed.toLowerCase()));
const lookUp = (given, offered) => [given ?? []].flat().map((one) => (typeof one === "object" ? one : offered.find((other) => other.value === one) || { value: one, label: String(one) }));

/** What stands in the lab's state, in the terms in which it is sent. */
function stored(element, state) {
  if (!state) return null;
  const value = Object.entries(state).find(([name]) => name !== "type")?.[1] ?? null;
  if (element.type.includes("external")) return value;
  if (Array.isArray(value)) return value.map((one) => (typeof one === "object" ? one.value : one));
  return value !== null && typeof value === "object" ? value.value : value;
}

function text(element, common, given, keep, changed) {
  const isLong = element.multiline;
  const limit = element.max_length || 3000;
  const made = h(isLong ? "textarea" : "input", { ...common, type: isLong ? null : TEXTS[element.type], rows: isLong ? 4 : null, maxlength: limit, inputmode: element.type === "number_input" ? "decimal" : null });
  made.value = given ?? "";
  made.addEventListener("input", () => keep(made.value));
  made.addEventListener("change", () => changed(made.value));
  const problem = () => (made.value && made.value.length < (element.min_length || 0) ? `At least ${element.min_length} characters, please.` : "");
  return { node: made, read: () => made.value || null, problem };
}

function moment(element, common, given, changed) {
  const made = h("input", { ...common, placeholder: null, type: DATES[element.type] });
  if (element.type === "datetimepicker") {
    if (given) made.value = new Date((given - new Date(given * 1000).getTimezoneOffset() * 60) * 1000).toISOString().slice(0, 16);
  } else made.value = given ?? "";
  const read = () => (!made.value ? null : element.type === "datetimepicker" ? Math.floor(new Date(made.value).getTime() / 1000) : made.value);
  made.addEventListener("change", () => changed(read()));
  return { node: made, read, problem: () => (made.validity.badInput ? "That is no date." : "") };
}

function choices(element, common, given, changed) {
  const isMany = element.type === "checkboxes";
  const chosen = [given ?? []].flat();
  const name = newId("choice");
  const boxes = element.options.map((option) =>
    h("input", { type: isMany ? "checkbox" : "radio", name, value: option.value, checked: chosen.includes(option.value), "data-key": `${common["data-key"]}/${option.value}` }),
  );
  const read = () => {
    const on = boxes.filter((one) => one.checked).map((one) => one.value);
    return isMany ? on : (on[0] ?? null);
  };
  const rows = element.options.map((option, number) =>
    h("label", { class: "choice" }, boxes[number], h("span", {}, inlineRich(option.text), option.description && h("small", {}, inlineRich(option.description)))),
  );
  const node = h("div", { class: "choices", role: "group", "aria-label": common["aria-label"], on: { change: () => changed(read()) } }, rows);
  return { node, read, problem: () => "", isGroup: true };
}

function menu(element, common, given, changed) {
  const one = (option) => h("option", { value: option.value, selected: option.value === given }, option.text.plain);
  const groups = (element.option_groups || []).map((group) => h("optgroup", { label: group.label.plain }, group.options.map(one)));
  const first = h("option", { value: "" }, common.placeholder || "Choose");
  const made = h("select", { ...common, placeholder: null, on: { change: () => changed(made.value || null) } }, first, (element.options || []).map(one), groups);
  return { node: made, read: () => made.value || null, problem: () => "" };
}

function other(element, common) {
  const node = h("p", { class: "unknown", id: common.id }, `(a field of the type ${element.type} is not drawn here)`);
  return { node, read: () => null, problem: () => "" };
}
