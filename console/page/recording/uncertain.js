// Words of which the engine was not sure: marked when asked for, below a threshold, and gone through one by one.
import { html, useEffect, useMemo, useState } from "../html.js";
import { useKeys } from "../keys.js";

const STORED = "dropscribe-uncertain";
const USUAL = 60;

/** `view()`: the Transcript. `goTo(word)` scrolls to a word; `here()`: the word where the reader is. */
export function Uncertain({ words, view, goTo, here }) {
  const [on, setOn] = useState(false);
  const [threshold, setThreshold] = useState(Number(localStorage.getItem(STORED)) || USUAL);
  const [last, setLast] = useState(-1);
  const found = useMemo(() => (on ? words.uncertain(threshold) : []), [words, on, threshold]);
  const isKnown = useMemo(() => words.confidence.some((value) => value !== null && value !== undefined), [words]);
  useEffect(() => {
    const marks = (paragraph) =>
      words
        .uncertain(threshold, words.first[paragraph], words.last(paragraph))
        .map((word) => [words.offset[word], words.offset[word] + words.text[word].length]);
    view().highlights.mark("uncertain", on ? marks : null);
  }, [words, on, threshold]);
  const change = (event) => {
    const value = Number(event.target.value);
    localStorage.setItem(STORED, value);
    setThreshold(value);
  };
  const move = (by) => {
    if (!on) {
      setOn(true);
      return;
    }
    const from = last >= 0 ? last : here();
    const next = by > 0 ? found.find((word) => word > from) : found.findLast((word) => word < from);
    const to = next ?? (by > 0 ? found[0] : found.at(-1));
    if (to === undefined) return;
    setLast(to);
    goTo(to);
  };
  useKeys("Uncertain words", [
    ["x", "Show or hide uncertain words", () => setOn(!on)],
    ["n", "Next uncertain word", () => move(1)],
    ["N", "Previous uncertain word", () => move(-1)],
  ]);
  if (!isKnown) return null;
  return html`
    <div class="uncertain">
      <label class="check">
        <input type="checkbox" checked=${on} onChange=${(event) => setOn(event.target.checked)} /> Uncertain words
      </label>
      ${on &&
      html`
        <label class="threshold">
          below <input type="range" min="5" max="100" step="5" value=${threshold} aria-label="Confidence below" aria-valuetext=${`${threshold} percent`} onInput=${change} />
          <output>${threshold} %</output>
        </label>
        <span class="quiet" role="status">${found.length.toLocaleString("en")} found</span>
        <button disabled=${!found.length} onClick=${() => move(1)}>Next uncertain</button>
      `}
    </div>
  `;
}
