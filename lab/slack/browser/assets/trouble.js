// Orders trouble from the lab's own controls: hosts that do not answer, backups, lost switches, a bad day of Slack.

import { h, say } from "./dom.js";
import { post, remove } from "./server.js";

/** A button that gives one order and tells what came of it. */
function order(label, give) {
  const told = h("span", { class: "small" });
  const press = async () => {
    const answer = await give();
    told.textContent = answer.error ? ` ⚠ ${answer.error}` : " ✓";
    say(answer.error || `Ordered: ${label}`);
  };
  return h("li", {}, h("button", { type: "button", class: "item", "data-key": label, on: { click: press } }, label), told);
}

const trouble = (body) => post("/hosts/trouble", body);
const lab = (path, method, body) => fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((one) => one.json());

export function hostTrouble(host, state) {
  const wire = (kind) => () => trouble({ on: "wire", host: host.name, kind });
  const lost = host.switches[0];
  return h("ul", { class: "orders" },
    order(`${host.name} refuses connections`, wire("refuse")),
    order(`${host.name} drops connections`, wire("drop")),
    order(`${host.name} hangs`, wire("hang")),
    order(`Management service of ${host.name} restarts`, () => post("/hosts/vmms/restart", { host: host.name })),
    lost
      ? order(`Switch ${lost} vanishes from ${host.name}`, () => lab(`/hosts/hosts/${host.name}`, "PATCH", { switches: host.switches.slice(1) }))
      : order(`Switch Production comes back on ${host.name}`, () => lab(`/hosts/hosts/${host.name}`, "PATCH", { switches: ["Production"] })),
    order(`Disk of ${host.name} is full`, () => post("/hosts/volumes/fill", { host: host.name, path: host.default_vm_path, free_bytes: 1024 ** 3 })),
    state.trouble.length ? order(`End all trouble of hosts (${state.trouble.length})`, () => remove("/hosts/trouble")) : null);
}

export function vmTrouble(vm, state) {
  const move = (kind) => () => trouble({ on: "move", vm: vm.id, kind, at_percent: 50 });
  const others = state.hosts.filter((one) => one.name !== vm.host);
  return h("ul", { class: "orders" },
    vm.is_in_backup
      ? order(`Backup of ${vm.name} ends`, () => remove(`/hosts/backups/${vm.id}`))
      : order(`Backup of ${vm.name} starts`, () => post("/hosts/backups", { vm: vm.id, duration_s: 1800 })),
    order(`Next move of ${vm.name} fails half-way`, move("fail")),
    order(`Next move of ${vm.name} stalls half-way`, move("stall")),
    others.map((one) =>
      order(`Somebody else moves ${vm.name} to ${one.name}`, () => post("/hosts/migrations", { vm: vm.id, destination: one.name, path: `${one.default_vm_path}\\${vm.name}`, owner: "CONTOSO\\eve" }))));
}

export function slackTrouble() {
  const fault = (body) => () => post("/control/faults", body);
  return h("details", { class: "slack-trouble" }, h("summary", {}, "Trouble with Slack"),
    h("ul", { class: "orders" },
      order("Slack answers the next 5 calls with an error", fault({ kind: "server_error", times: 5 })),
      order("Slack is away for a minute", fault({ kind: "unavailable", times: null, for_s: 60 })),
      order("The token is revoked", fault({ kind: "refused", error: "token_revoked", times: null })),
      order("The connections to the bot are cut", () => post("/control/sockets", { do: "abort" })),
      order("End all trouble with Slack", () => remove("/control/faults"))));
}

/** Kills the bot and starts it again, and shows what it logged. */
export function botSwitch() {
  const turn = (what) => () => post("/bot/switch", { do: what });
  const state = h("b", {});
  const log = h("pre", { class: "log", tabindex: "0", "aria-label": "What the bot logged" });
  const look = async () => {
    log.textContent = (await (await fetch("/bot/state")).json()).log.join("\n");
    log.scrollTop = log.scrollHeight;
  };
  const unfolded = h("details", { on: { toggle: () => unfolded.open && look() } }, h("summary", {}, "What it logged"), log);
  const node = h("section", { class: "bot", "aria-label": "The bot's process", hidden: true },
    h("h3", {}, "The bot ", state),
    h("ul", { class: "orders" }, order("Kill the bot", turn("kill")), order("Stop the bot kindly", turn("stop")), order("Start the bot", turn("start"))),
    unfolded);
  return {
    node,
    show: (isThere) => {
      state.textContent = isThere ? "is connected" : "is not connected";
      if (unfolded.open) look();
    },
  };
}
