// Asks before something is sent, with the dialog that the app described.

import { h, newId } from "./dom.js";
import { inlineRich, rich } from "./rich.js";

/** Resolves to whether the person said yes. Escape, and pressing beside it, is a no. */
export function confirmed(dialog) {
  return new Promise((resolve) => {
    const id = newId("ask");
    const answer = (yes) => {
      made.close();
      made.remove();
      resolve(yes);
    };
    const yes = h(
      "button",
      { type: "button", class: `button ${dialog.style || "primary"}`, on: { click: () => answer(true) } },
      inlineRich(dialog.confirm),
    );
    const no = h("button", { type: "button", class: "button", autofocus: true, on: { click: () => answer(false) } }, inlineRich(dialog.deny));
    const made = h(
      "dialog",
      { class: "ask", "aria-labelledby": id, on: { cancel: (event) => (event.preventDefault(), answer(false)) } },
      h("h2", { id }, inlineRich(dialog.title)),
      rich(dialog.text.rich),
      h("footer", {}, no, yes),
    );
    document.body.append(made);
    made.showModal();
  });
}
