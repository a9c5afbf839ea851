// Plays a job's timeline in its page: bars that grow, slots in use, and what the bot said until then.
// Everything is in the page itself; without scripts the picture stays.

const LENGTH_S = 45; // how long the whole job takes when it is played
const SAID = 6;
const WORDS = {
  moved: "moved", failed: "failed", cancelled: "cancelled", lost: "must be looked at",
  goes_on: "goes on", free: "withdrawn, cost nothing",
};

function make(tag, names, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(names)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function clock(begins, seconds) {
  const [hours, minutes, rest] = begins.split(":").map(Number);
  const all = hours * 3600 + minutes * 60 + rest + Math.round(seconds);
  return [all / 3600, (all / 60) % 60, all % 60].map((one) => String(Math.floor(one)).padStart(2, "0")).join(":");
}

function strip(left, right, kind, text = "") {
  return { node: make("span", { class: `strip ${kind}` }, text), left, right };
}

// A row of the chart: its name, what it says now, and strips that are shown up to now.
function row(kind, name, strips, height) {
  const note = make("small", {});
  const track = make("div", { class: "track" }, ...strips.map((one) => one.node));
  if (height) track.style.height = `${height}rem`;
  const label = make("div", { class: "label" }, name, " ", note);
  return { nodes: [label, track], kind, note, strips };
}

function vmRow(vm) {
  const strips = vm.bars.map(([from, to, outcome, number]) =>
    strip(from, to, outcome, vm.bars.length > 1 ? String(number) : ""));
  if (vm.waits !== null) {
    let from = vm.waits;
    for (const [begins, ends] of vm.bars) {
      if (begins > from) strips.push(strip(from, begins, "waited"));
      from = ends;
    }
  }
  const made = row("vm", vm.name, strips);
  made.say = (at) => {
    const bar = vm.bars.filter(([from]) => from <= at).at(-1);
    if (!vm.bars.length) return vm.word;
    if (!bar || (at >= bar[1] && bar[2] !== "moved")) return vm.waits !== null && at >= vm.waits ? "waits" : "";
    return at < bar[1] ? "moves" : WORDS[bar[2]];
  };
  return made;
}

function hostRow(host, length) {
  const highest = Math.max(host.limit, ...host.steps.map(([, count]) => count), 1);
  const strips = [];
  host.steps.forEach(([from, count], index) => {
    const to = host.steps[index + 1]?.[0] ?? length;
    if (!count) return;
    const made = strip(from, to, "slots");
    made.node.style.height = `${(100 * count) / highest}%`;
    strips.push(made);
  });
  const made = row("host", host.name, strips, 2.4);
  const limit = make("i", { class: "limit" });
  limit.style.bottom = `${(100 * host.limit) / highest}%`;
  made.nodes[1].append(limit);
  made.say = (at) => `${host.steps.filter(([from]) => from <= at).at(-1)?.[1] ?? 0} of ${host.limit}`;
  return made;
}

function timeline(figure, data) {
  const rows = [...data.vms.map(vmRow), ...data.hosts.map((host) => hostRow(host, data.length))];
  const moments = [...new Set([0, ...data.said.map(([at]) => at), data.length])].sort((one, other) => one - other);
  const head = make("i", { class: "head" });
  const chart = make("div", { class: "chart" }, ...rows.flatMap((one) => one.nodes));
  const over = make("div", { class: "over" }, head);
  chart.append(over);
  const said = make("ol", { class: "said", "aria-live": "off" });
  const time = make("output", {});
  const range = make("input", { type: "range", min: 0, max: data.length, step: 1, "aria-label": "Time" });
  const buttons = Object.fromEntries([
    ["first", "▏◀", "To the beginning"], ["back", "◀", "One step back"], ["play", "▶ Play", "Play"],
    ["next", "▶▏", "One step on"],
  ].map(([name, sign, title]) => [name, make("button", { type: "button", title, "aria-label": title }, sign)]));
  const kinds = [...new Set(rows.flatMap((one) => one.strips.map((each) => each.node.classList[1])))];
  const legend = make("p", { class: "legend" }, ...kinds.flatMap((kind) => [
    make("span", { class: `strip ${kind}` }),
    { waited: "waited", slots: "slots in use" }[kind] ?? WORDS[kind],
  ]), make("i", { class: "limit" }), "limit");
  let now = 0;
  let timer = 0;

  const share = (at) => `${(100 * at) / data.length}%`;
  for (const { strips } of rows) for (const one of strips) one.node.style.left = share(one.left);

  function show(at) {
    now = Math.min(Math.max(at, 0), data.length);
    for (const one of rows) {
      for (const { node, left, right } of one.strips) {
        node.hidden = now <= left;
        node.style.width = share(Math.max(0, Math.min(now, right) - left));
        node.classList.toggle("growing", now > left && now < right);
      }
      one.note.textContent = one.say(now);
    }
    head.style.left = share(now);
    range.value = String(now);
    time.textContent = clock(data.begins, now);
    range.setAttribute("aria-valuetext", time.textContent);
    const until = data.said.filter(([moment]) => moment <= now).slice(-SAID);
    said.replaceChildren(...until.map(([moment, text]) =>
      make("li", {}, make("time", {}, clock(data.begins, moment)), " ", make("span", {}, text))));
  }

  function stop() {
    cancelAnimationFrame(timer);
    timer = 0;
    buttons.play.textContent = "▶ Play";
    buttons.play.setAttribute("aria-label", "Play");
    said.setAttribute("aria-live", "polite");
  }

  function play() {
    if (now >= data.length) show(0);
    buttons.play.textContent = "⏸ Pause";
    buttons.play.setAttribute("aria-label", "Pause");
    said.setAttribute("aria-live", "off");
    let before = performance.now();
    const frame = (at) => {
      show(now + ((at - before) / 1000) * (data.length / LENGTH_S));
      before = at;
      if (now >= data.length) stop();
      else timer = requestAnimationFrame(frame);
    };
    timer = requestAnimationFrame(frame);
  }

  const to = (at) => { stop(); show(at ?? now); };
  buttons.first.onclick = () => to(0);
  buttons.back.onclick = () => to(moments.filter((one) => one < Math.floor(now)).at(-1));
  buttons.next.onclick = () => to(moments.find((one) => one > now));
  buttons.play.onclick = () => (timer ? stop() : play());
  range.oninput = () => to(Number(range.value));

  const controls = make("div", { class: "controls" }, ...Object.values(buttons), range, time);
  figure.append(controls, chart, legend, said);
  figure.hidden = false;
  show(data.length);
}

for (const figure of document.querySelectorAll(".timeline-player")) {
  const data = figure.parentElement.querySelector(".timeline-data");
  timeline(figure, JSON.parse(data.textContent));
  figure.parentElement.classList.add("is-played");
}
