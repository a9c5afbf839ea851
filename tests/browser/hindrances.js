// WCAG 2.2: 4.1.2 names, 1.4.3 contrast (4.5, or 3 for large letters). With a dialog open, only that is looked at.
() => {
  const within = [...document.querySelectorAll("dialog[open]")].at(-1) || document.body;
  const seen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const named = (one) => (one.getAttribute("aria-label") || "").trim() || textOf(one.getAttribute("aria-labelledby"))
    || [...(one.labels || [])].map((label) => label.textContent).join("").trim()
    || (one.matches("input, select, textarea, [role=log], [role=listbox]") ? "" : one.textContent.trim());
  const textOf = (id) => (id && document.getElementById(id) ? document.getElementById(id).textContent.trim() : "");
  const controls = "button, input, select, textarea, a[href], summary, progress, dialog, nav, aside, [role=log], [role=listbox], [role=tab], [role=img]";
  const nameless = [...within.querySelectorAll(controls), ...(within.matches("dialog") ? [within] : [])]
    .filter((one) => seen(one) && !one.closest("[aria-hidden=true]") && !named(one))
    .map((one) => `no name: ${one.outerHTML.slice(0, 90)}`);
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const over = (top, under) => top.slice(0, 3).map((one, at) => one * (top[3] ?? 1) + under[at] * (1 - (top[3] ?? 1)));
  const behind = (one) => (one ? over(parts(getComputedStyle(one).backgroundColor), behind(one.parentElement)) : [255, 255, 255]);
  const light = (colour) => colour.map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const faint = [];
  const walker = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !seen(one) || one.closest(".emoji, .unseen, noscript, script")) continue;
    const style = getComputedStyle(one);
    const back = behind(one);
    const [high, low] = [light(over(parts(style.color), back)), light(back)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < least) faint.push(`${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  return [...new Set([...nameless, ...faint])];
}
