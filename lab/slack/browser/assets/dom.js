// Builds elements. Whatever is not an element becomes a text node: nothing from outside is ever read as HTML.

/** `on` holds listeners; true and false set and leave out an attribute; everything else is an attribute's text. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

let last = 0;
/** An id for what has to be referred to by another element. */
export const newId = (what) => `${what}-${++last}`;

/** Says something to people who do not look at the screen. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** Remembers where the keyboard is inside `old`, and puts it at the same control of what replaces it. */
export function keepFocus(old, replace) {
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const fresh = replace();
  if (focused === undefined) return;
  const same = [...fresh.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused);
  if (same) same.focus();
  else if (fresh.tabIndex >= 0 || fresh.hasAttribute("tabindex")) fresh.focus();
}

export const entity = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
