// Works out what may come next in what is typed: commands, their words, hosts and VMs, people and channels.

import { store } from "./store.js";

const MOST = 8;
/** What the lab knows of the words of a command; filled in by main.js from what the lab serves. */
export const words = { verbs: [], keywords: [], options: [], hosts: [], vms: [] };

/** `before` is the text up to the caret. An offer replaces the last `replaces` characters by `text`. */
export function offersFor(before, isInThread) {
  const nothing = { offers: [], hint: "" };
  if (!before) return nothing;
  const mention = before.match(/(?:^|\s)@([\w.-]*)$/);
  if (mention) return { offers: starting(people(), mention[1], "@", " "), hint: "" };
  const channel = before.match(/(?:^|\s)#([\w-]*)$/);
  if (channel) return { offers: starting(store.all.channels.filter((one) => !one.is_direct).map((one) => [one.name, one.topic]), channel[1], "#", " "), hint: "" };
  if (!before.startsWith("/") || isInThread) return nothing;
  const known = store.all.commands.find((one) => before.startsWith(`${one.command} `));
  if (!known) return { offers: before.includes(" ") ? [] : starts(before), hint: "" };
  const rest = before.slice(known.command.length + 1);
  return { offers: inCommand(rest), hint: `${known.command} ${known.hint}` };
}

function starts(typed) {
  const commands = store.all.commands
    .filter((one) => one.command.startsWith(typed))
    .map((one) => ({ label: one.command, about: `${one.hint || ""} — ${one.description}`, text: `${one.command} `, replaces: typed.length }));
  const wanted = typed.slice(1).toLowerCase();
  const shortcuts = store.all.shortcuts
    .filter((one) => one.name.toLowerCase().includes(wanted) || "/migrate".startsWith(typed))
    .map((one) => ({ label: one.name, about: `${one.description} — shortcut`, shortcut: one.callback_id }));
  return [...commands, ...shortcuts];
}

const people = () => [
  ...store.all.people.map((one) => [one.name, one.real_name]),
  ...store.all.groups.map((one) => [one, "group"]),
  [store.all.app.name, "app"],
];

function starting(some, typed, mark, end) {
  return some
    .filter(([name]) => name.toLowerCase().startsWith(typed.toLowerCase()))
    .slice(0, MOST)
    .map(([name, about]) => ({ label: mark + name, about, text: mark + name + end, replaces: typed.length + mark.length }));
}

/** The words after the command. Several names stand with commas between them. */
function inCommand(rest) {
  const tokens = rest.split(/\s+/);
  const current = tokens.at(-1);
  const part = current.slice(current.lastIndexOf(",") + 1);
  const earlier = tokens.slice(0, -1).map((one) => one.toLowerCase());
  const previous = earlier.at(-1);
  const verb = words.verbs.includes(earlier[0]) ? earlier[0] : "";
  if (previous === "from" || previous === "to") return pick(words.hosts, part, "");
  if (previous === "path" || (verb && verb !== "where" && verb !== "cancel")) return [];
  if (verb) return pick(words.vms, part, "");
  const taken = new Set(current.split(","));
  const vms = pick(words.vms.filter((one) => !taken.has(one)), part, "");
  if (!earlier.length) return current.includes(",") ? vms : [...pick(words.verbs, part, " "), ...vms].slice(0, MOST);
  const left = words.keywords.filter((one) => !earlier.includes(one));
  return part ? [...pick(left, part, " "), ...pick(words.options, part, ""), ...vms].slice(0, MOST) : pick(left, part, " ");
}

function pick(some, typed, end) {
  return some
    .filter((one) => one.toLowerCase().startsWith(typed.toLowerCase()) && one !== typed)
    .slice(0, MOST)
    .map((one) => ({ label: one, about: "", text: one + end, replaces: typed.length }));
}
