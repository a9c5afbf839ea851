// Draws rich text, already read by the lab: sections, quotes, lists, preformatted parts and what stands in a line.

import { h } from "./dom.js";

const PARTS = { rich_text_section: "p", rich_text_preformatted: "pre", rich_text_quote: "blockquote" };
const STYLES = { bold: "b", italic: "i", strike: "s", code: "code" };
const DATES = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};

export function rich(parts) {
  return (parts || []).map((part) => {
    if (part.type === "rich_text_list") {
      const tag = part.style === "ordered" ? "ol" : "ul";
      const items = part.elements.map((item) => h("li", {}, item.elements.map(inline)));
      return h(tag, { start: part.offset ? part.offset + 1 : null, class: `indent${part.indent || 0}` }, items);
    }
    return h(PARTS[part.type] || "p", {}, part.elements.map(inline));
  });
}

/** The same without a paragraph around it: labels, buttons, small print. */
export function inlineRich(text) {
  if (!text) return [];
  return (text.rich || []).flatMap((part, number) => [number ? " " : null, ...part.elements.map(inline)]);
}

function inline(element) {
  switch (element.type) {
    case "mention":
      return h("span", { class: element.is_me ? "mention me" : "mention" }, element.text);
    case "emoji":
      return h("span", { class: "emoji", role: "img", "aria-label": element.name.replaceAll("_", " ") }, element.text);
    case "link":
      return styled(link(element.url, element.text), element.style);
    case "date":
      return date(element);
    default:
      return styled(document.createTextNode(element.text ?? ""), element.style);
  }
}

function link(url, text) {
  if (!/^(https?|mailto):/i.test(url)) return document.createTextNode(text);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);
}

function styled(node, style) {
  let made = node;
  for (const [name, tag] of Object.entries(STYLES)) if (style && style[name]) made = h(tag, {}, made);
  return made;
}

/** A date in the words of the viewer's own zone. */
function date(element) {
  const moment = new Date(element.timestamp * 1000);
  const text = element.format.replace(/\{(\w+)\}/g, (whole, token) => wordsOf(token, moment) ?? whole);
  return h("time", { datetime: moment.toISOString(), title: moment.toLocaleString() }, text);
}

function wordsOf(token, moment) {
  if (token === "ago") return ago(moment);
  if (token === "date_num") {
    const two = (number) => String(number).padStart(2, "0");
    return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  }
  const base = token.replace(/_pretty$/, "");
  if (!DATES[base]) return undefined;
  const day = token.endsWith("_pretty") ? nearDay(moment) : "";
  return day || new Intl.DateTimeFormat("en-US", DATES[base]).format(moment);
}

function nearDay(moment) {
  const days = Math.round((new Date(moment).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] || "";
}

export function ago(moment) {
  const minutes = Math.floor((Date.now() - moment) / 60_000);
  return minutes >= 0 ? `${minutes} minutes ago` : `in ${-minutes} minutes`;
}

/** A message's time of day, with the date to hover over. */
export function clock(ts) {
  const moment = new Date(Number(ts) * 1000);
  const time = new Intl.DateTimeFormat("en-US", DATES.time).format(moment);
  return h("time", { datetime: moment.toISOString(), title: moment.toLocaleString(), class: "clock" }, time);
}
