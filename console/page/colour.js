// Colours of the style sheet for what is drawn on a canvas, and a call when light becomes dark.

const scheme = matchMedia("(prefers-color-scheme: dark)");

/** The colour that a variable of css/base.css has now, e.g. `--accent`, as `rgb(…)`. */
export function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Calls `draw` whenever the colours change, until the returned function is called. */
export function onColours(draw) {
  scheme.addEventListener("change", draw);
  return () => scheme.removeEventListener("change", draw);
}
