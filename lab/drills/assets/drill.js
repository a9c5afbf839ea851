// Shows a drill while it is played, and what came of it at its end.

import { h, say } from "/page/dom.js";
import { post } from "/page/server.js";

const LOOK_MS = 1000;
const place = document.getElementById("drill");

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

const elapsed = h("b", {});
const happened = h("div", {});
const trouble = h("p", { class: "wrong", role: "status" });
const end = h("button", { type: "button", class: "button", on: { click: async () => {
  end.disabled = true;
  const answer = await post("/drill/end", {});
  end.disabled = !answer.error;
  trouble.textContent = answer.error || "";
} } }, "End the drill");
const windows = ["alice", "bob", "dave"].map((name) => h("a", { href: `/?as=${name}&in=migrations`, target: "_blank" }, `Be ${name}`));

/** Rows under headings; nothing but a sentence where there are none. */
function table(label, headings, rows, none) {
  if (!rows.length) return h("p", { class: "small" }, none);
  return h("table", { "aria-label": label },
    h("thead", {}, h("tr", {}, headings.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, String(cell)))))));
}

const doings = (label, some, none) => table(label, ["At", "Who", "What"], some.map((one) => [clock(one.at_s), one.who, one.words]), none);
const troubles = (some) => table("What happened", ["At", "What"], some.map((one) => [clock(one.at_s), one.words]), "Nothing.");

function briefing(state) {
  return [h("h1", {}, state.title), state.briefing.map((one) => h("p", {}, one))];
}

function running(state) {
  place.replaceChildren(h("div", {}, briefing(state), h("div", { class: "bar" }, elapsed, windows, end), trouble, h("h2", {}, "What happened so far"), happened));
}

function verdict(one) {
  return h("li", { class: one.is_met ? "" : "missed" }, h("b", {}, one.is_met ? "✓ " : "✗ ", one.says),
    one.is_met ? null : h("p", {}, one.why), one.is_met ? null : h("p", {}, h("b", {}, "Better: "), one.better));
}

const waited = (page) => (page.taken_by ? `${page.taken_by}, after ${clock(page.waited_s)}` : `nobody, in ${clock(page.waited_s)}`);

function over(state) {
  const report = state.report;
  const met = report.verdicts.filter((one) => one.is_met).length;
  place.replaceChildren(h("div", {}, briefing(state),
    h("p", {}, h("b", {}, `${report.ended_by} `), `It lasted ${clock(report.lasted_s)}; ${met} of ${report.verdicts.length} were met.`),
    h("h2", {}, "What a good answer is"),
    h("ul", { class: "verdicts" }, report.verdicts.map(verdict)),
    report.harm.map((one) => h("p", { class: "harm" }, `Harm: ${one}`)),
    h("h2", {}, "What the team did"),
    doings("What the team did", report.acts, "Nothing."),
    h("h2", {}, "What came of it, as the bot has written it down"),
    doings("What came of it", report.decisions, "Nothing."),
    h("h2", {}, "Pages"),
    report.pages.length ? h("p", { class: "small" }, `The longest waited ${clock(report.longest_wait_s)}.`) : null,
    table("Pages", ["At", "What", "Taken by"], report.pages.map((one) => [clock(one.at_s), one.words, waited(one)]), "Nobody was paged."),
    h("h2", {}, "VMs"),
    table("VMs", ["VM", "Was on", "Is on", "State", "Moves begun by the bot", "by others", "Refused"],
      report.vms.map((one) => [one.name, one.was_on, one.is_on, one.state, one.starts, one.foreign_starts, one.refused]), "No VM was touched."),
    h("h2", {}, "What happened"),
    troubles(report.happened),
    report.failures.length ? [h("h2", {}, "What people saw fail, because the bot did not answer"), doings("Failures", report.failures, "")] : null));
  say(`The drill is over. ${met} of ${report.verdicts.length} were met.`);
}

let told = -1;
async function look() {
  try {
    const state = await (await fetch("/drill/state")).json();
    trouble.textContent = "";
    if (state.report) return over(state);
    if (told < 0) running(state);
    elapsed.textContent = clock(state.elapsed_s);
    if (told !== state.happened.length) {
      told = state.happened.length;
      happened.replaceChildren(troubles(state.happened));
    }
  } catch {
    trouble.textContent = "The lab does not answer. Was it ended?";
  }
  setTimeout(look, LOOK_MS);
}
look();
