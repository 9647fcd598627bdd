// Search in this recording: every hit is marked, Enter goes to the next one.
import { html, useEffect, useState } from "../html.js";

/** A pattern that finds `text` whatever its case; null if there is nothing to find. */
export function patternOf(text) {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  return new RegExp(words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+"), "giu");
}

/** All hits, as `[paragraph, from, to]` in characters. */
export function hitsIn(words, pattern) {
  if (!pattern) return [];
  return words.paragraphs.flatMap((text, paragraph) =>
    [...text.matchAll(pattern)].map((hit) => [paragraph, hit.index, hit.index + hit[0].length]),
  );
}

/** `view()`: the Transcript. `bring(paragraph, from, to)` scrolls to a hit. */
export function Find({ words, view, bring }) {
  const [text, setText] = useState("");
  const [place, setPlace] = useState(-1);
  const [hits, setHits] = useState([]);
  useEffect(() => {
    const found = hitsIn(words, patternOf(text));
    setHits(found);
    setPlace(-1);
    const byParagraph = new Map();
    for (const [paragraph, from, to] of found) {
      byParagraph.set(paragraph, [...(byParagraph.get(paragraph) || []), [from, to]]);
    }
    view().highlights.mark("hit", found.length ? (paragraph) => byParagraph.get(paragraph) || [] : null);
    view().highlights.one("hit-now", null);
  }, [text, words]);
  const move = (by) => {
    if (!hits.length) return;
    const to = place < 0 && by < 0 ? hits.length - 1 : (place + by + hits.length) % hits.length;
    setPlace(to);
    const [paragraph, from, end] = hits[to];
    view().highlights.one("hit-now", view().range(paragraph, from, end));
    bring(paragraph, from, end);
  };
  const key = (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      move(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      setText("");
      event.target.blur();
    }
  };
  const said = !text.trim() ? "" : !hits.length ? "not found" : place < 0 ? `${hits.length} found` : `${place + 1} of ${hits.length}`;
  return html`
    <div class="find" role="search">
      <input
        id="find"
        type="search"
        aria-label="Search in this recording"
        placeholder="Search in this recording"
        value=${text}
        onInput=${(event) => setText(event.target.value)}
        onKeyDown=${key}
      />
      <span class="quiet" role="status">${said}</span>
      ${hits.length > 0 &&
      html`
        <button class="icon" aria-label="Hit before" onClick=${() => move(-1)}>↑</button>
        <button class="icon" aria-label="Next hit" onClick=${() => move(1)}>↓</button>
      `}
    </div>
  `;
}
