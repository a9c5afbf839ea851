// The hosts beside the workspace: their slots, VMs, moves and folders as they really are, and trouble to order.

import { h, keepFocus } from "./dom.js";
import { listen } from "./server.js";
import { store } from "./store.js";
import { botSwitch, hostTrouble, slackTrouble, vmTrouble } from "./trouble.js";

const GB = 1024 ** 3;

export class Hosts {
  constructor() {
    this.onWords = () => {};
    this.state = null;
    this.open = new Set(); // what is unfolded, by name
    this.body = h("div", { class: "hosts" });
    this.bot = botSwitch();
    this.node = h("aside", { id: "hosts", "aria-label": "Hosts", hidden: true },
      h("header", {}, h("h2", {}, "Hosts"), h("button", { type: "button", class: "plain", "aria-label": "Close the hosts", on: { click: () => this.onShown(false) } }, "×")),
      this.body, slackTrouble(), this.bot.node);
  }

  /** `extras` are what the lab serves beside the workspace; this is called again after a lost connection. */
  async start(extras) {
    if (this.isStarted) return;
    this.isStarted = true;
    if (extras.includes("bot")) {
      this.bot.node.hidden = false;
      this.onWords(await (await fetch("/bot/words")).json());
    }
    if (!extras.includes("hosts")) return;
    listen("/hosts/changes", {
      state: (state) => {
        this.state = state;
        this.onWords({ hosts: state.hosts.map((one) => one.name), vms: [...new Set(state.vms.map((one) => one.name))] });
        this.show();
      },
    });
  }

  show() {
    this.bot.show(store.isAppThere);
    if (this.node.hidden || !this.state) return;
    keepFocus(this.body, () => {
      this.body.replaceChildren(this.moves(), ...this.state.hosts.map((one) => this.host(one)));
      return this.body;
    });
  }

  moves() {
    const running = this.state.migrations.filter((one) => one.ended_s === null);
    if (!running.length) return h("p", { class: "small" }, "Nothing moves.");
    return h("ul", { class: "moves", "aria-label": "Moves under way" }, running.map((one) =>
      h("li", {}, h("b", {}, one.vm_name), ` ${one.source} → ${one.destination || one.source} `,
        h("progress", { max: 100, value: one.percent, "aria-label": `${one.vm_name} ${one.percent} %` }), ` ${one.percent} %`,
        h("small", {}, one.owner))));
  }

  host(host) {
    const vms = this.state.vms.filter((one) => one.host === host.name);
    return h("section", { class: "host", "aria-label": host.name },
      h("h3", {}, host.name, slots("live", host.live_used, host.live_limit), slots("storage", host.storage_used, host.storage_limit)),
      h("p", { class: "small" }, `${Math.round(host.free_memory_bytes / GB)} GB memory free · `,
        host.volumes.map((one) => `${one.root} ${Math.round(one.free_bytes / GB)} GB free`).join(", "), ` · ${host.switches.join(", ") || "no switch"}`),
      h("ul", { class: "tiles" }, vms.map((one) => this.tile(one))),
      this.folders(host),
      this.unfold(`trouble ${host.name}`, `Trouble on ${host.name}`, () => hostTrouble(host, this.state)));
  }

  tile(vm) {
    const move = this.state.migrations.find((one) => one.ended_s === null && one.vm_id === vm.id);
    const marks = [vm.is_planned && "arriving", vm.is_moving && !vm.is_planned && `${move?.percent ?? 0} %`, vm.is_in_backup && "backup", vm.is_merging && "merge", vm.state !== "Running" && vm.state.toLowerCase()].filter(Boolean);
    const kind = vm.is_planned ? "planned" : vm.is_moving ? "moving" : vm.is_in_backup || vm.is_merging ? "busy" : "";
    const body = this.unfold(`vm ${vm.host} ${vm.id}`, `${vm.name}${marks.length ? ` · ${marks.join(", ")}` : ""}`, () => vmTrouble(vm, this.state));
    return h("li", { class: `tile ${kind}` }, body, move && !vm.is_planned && h("progress", { max: 100, value: move.percent, "aria-hidden": "true" }));
  }

  folders(host) {
    const all = (this.state.folders[host.name] || []).filter((one) => one.length > 3);
    return this.unfold(`folders ${host.name}`, `Folders (${all.length})`, () => h("ul", { class: "folders" }, all.map((one) => h("li", {}, h("code", {}, one)))));
  }

  /** A part that is folded away; it stays open while what is in it changes. */
  unfold(name, label, inside) {
    const made = h("details", { open: this.open.has(name) }, h("summary", { "data-key": name }, label));
    if (this.open.has(name)) made.append(inside());
    made.addEventListener("toggle", () => {
      if (made.open === this.open.has(name)) return;
      if (made.open) {
        this.open.add(name);
        made.append(inside());
      } else {
        this.open.delete(name);
        made.replaceChildren(made.firstChild);
      }
    });
    return made;
  }
}

function slots(kind, used, limit) {
  const boxes = Array.from({ length: Math.max(limit, used) }, (_, number) => h("i", { class: number < used ? "used" : "" }));
  const words = `${used} of ${limit} ${kind} slots used`;
  return h("span", { class: "slots", role: "img", "aria-label": words, title: words }, boxes, h("small", {}, kind));
}
