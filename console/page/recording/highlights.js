// Marks in the text by the CSS Custom Highlight API: no element for a word, so the text stays one node a paragraph.
// Only paragraphs near the window are marked, however many words there are.

const NAMES = ["uncertain", "hit", "hit-now", "spoken"];
const isSupported = typeof Highlight !== "undefined" && Boolean(CSS.highlights);

export class Highlights {
  /** `rangeOf(paragraph, from, to)`: the Range of characters of a paragraph's text. */
  constructor(rangeOf) {
    this.rangeOf = rangeOf;
    /** By name, a function from a paragraph to its marks as [from, to] in characters. */
    this.sources = new Map();
    this.visible = new Map();
    if (!isSupported) return;
    NAMES.forEach((name, priority) => {
      const marks = new Highlight();
      marks.priority = priority;
      CSS.highlights.set(name, marks);
    });
  }

  /** Marks what `source(paragraph)` gives, from now on; null: nothing. */
  mark(name, source) {
    if (source) this.sources.set(name, source);
    else this.sources.delete(name);
    if (!isSupported) return;
    CSS.highlights.get(name).clear();
    for (const [paragraph, ranges] of this.visible) {
      ranges[name] = [];
      this.draw(paragraph, name);
    }
  }

  draw(paragraph, name) {
    const source = this.sources.get(name);
    if (!source) return;
    const marks = CSS.highlights.get(name);
    const ranges = source(paragraph).map(([from, to]) => this.rangeOf(paragraph, from, to));
    this.visible.get(paragraph)[name] = ranges;
    for (const range of ranges) marks.add(range);
  }

  /** A paragraph came near the window. */
  shown(paragraph) {
    if (!isSupported || this.visible.has(paragraph)) return;
    this.visible.set(paragraph, {});
    for (const name of this.sources.keys()) this.draw(paragraph, name);
  }

  /** A paragraph is far away again. */
  hidden(paragraph) {
    for (const [name, ranges] of Object.entries(this.visible.get(paragraph) || {})) {
      for (const range of ranges) CSS.highlights.get(name).delete(range);
    }
    this.visible.delete(paragraph);
  }

  /** Marks one place only; null: none. */
  one(name, range) {
    if (!isSupported) return;
    const marks = CSS.highlights.get(name);
    marks.clear();
    if (range) marks.add(range);
  }

  /** The paragraphs are new ones: callers must mark again. */
  clear() {
    this.sources.clear();
    this.visible.clear();
    if (isSupported) NAMES.forEach((name) => CSS.highlights.get(name).clear());
  }
}
