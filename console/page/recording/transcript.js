// The text: an element for a paragraph with one text node, built without a framework, as there may be 120,000 words.
import { position } from "../format.js";
import { Highlights } from "./highlights.js";

const LINE = 70;
const NEAR = "800px 0px";
/** Paragraphs in a block. The browser looks at each block on each frame: a hundred cost nothing, thousands do. */
const BLOCK = 20;

/** A paragraph without content, to be cloned. */
function blank() {
  const made = (name, className, more = {}) => Object.assign(document.createElement(name), { className, ...more });
  const paragraph = made("div", "paragraph");
  const margin = made("div", "margin");
  margin.append(made("a", "time", { tabIndex: -1 }), made("button", "speaker link", { type: "button", tabIndex: -1 }));
  const text = made("p", "");
  text.append("");
  paragraph.append(margin, text, made("button", "edit link", { type: "button", tabIndex: -1, textContent: "Edit" }));
  return paragraph;
}

export class Transcript {
  /**
   * `root`: an empty element. `on`: `seek(ms, word)`, `edit(paragraph)` and `rename(speaker)` are called.
   */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.blank = blank();
    this.elements = [];
    this.words = null;
    this.current = 0;
    this.lit = null;
    this.highlights = new Highlights((paragraph, from, to) => this.range(paragraph, from, to));
    this.watcher = new IntersectionObserver((entries) => entries.forEach((entry) => this.seen(entry)), {
      rootMargin: NEAR,
    });
    root.addEventListener("click", (event) => this.clicked(event));
    root.addEventListener("focusin", (event) => this.select(this.indexOf(event.target)));
  }

  seen(entry) {
    for (const element of entry.target.querySelectorAll(".paragraph")) {
      const paragraph = Number(element.dataset.index);
      if (entry.isIntersecting) this.highlights.shown(paragraph);
      else this.highlights.hidden(paragraph);
    }
  }

  indexOf(node) {
    const element = node.closest?.(".paragraph");
    return element ? Number(element.dataset.index) : -1;
  }

  /** Shows words; paragraphs that are the same as before keep their elements. */
  show(words, { canEdit = false } = {}) {
    this.lit?.classList.remove("now");
    this.lit = null;
    const before = new Map(this.elements.map((element) => [element.dataset.key, element]));
    this.words = words;
    this.highlights.clear();
    this.watcher.disconnect();
    const blocks = [];
    let gap = 0;
    const add = (element, index) => {
      if (index % BLOCK === 0 || !blocks.length) blocks.push([]);
      blocks.at(-1).push(element);
    };
    this.elements = words.paragraphs.map((text, index) => {
      const start = words.start[words.first[index]];
      for (; gap < words.gaps.length && words.gaps[gap][0] <= start; gap += 1) add(gapOf(words.gaps[gap]));
      const speaker = words.speakerOf(index);
      const key = `${start} ${canEdit} ${speaker} ${text}`;
      const element = before.get(key) || this.made(index, text, start, speaker, canEdit);
      element.dataset.index = index;
      element.dataset.key = key;
      add(element, index);
      return element;
    });
    for (; gap < words.gaps.length; gap += 1) add(gapOf(words.gaps[gap]));
    const focused = this.root.contains(document.activeElement) && document.activeElement;
    this.root.replaceChildren(...blocks.map(blockOf));
    // Whatever is moved loses it.
    if (focused) focused.focus({ preventScroll: true });
    for (const block of this.root.children) this.watcher.observe(block);
    this.select(Math.min(this.current, this.elements.length - 1));
  }

  made(index, text, start, speaker, canEdit) {
    const element = this.blank.cloneNode(true);
    const [margin, paragraph, edit] = element.children;
    const [time, name] = margin.children;
    paragraph.firstChild.data = text;
    time.textContent = position(start);
    time.href = `#t=${start / 1000}`;
    name.textContent = speaker;
    name.hidden = !speaker;
    edit.hidden = !canEdit;
    edit.setAttribute("aria-label", `Edit the paragraph at ${position(start)}`);
    return element;
  }

  /** Range of characters of a paragraph's text. */
  range(paragraph, from, to) {
    const node = this.elements[paragraph].children[1].firstChild;
    const range = document.createRange();
    range.setStart(node, Math.min(from, node.length));
    range.setEnd(node, Math.min(to, node.length));
    return range;
  }

  rangeOfWord(word) {
    const from = this.words.offset[word];
    return this.range(this.words.paragraphOf(word), from, from + this.words.text[word].length);
  }

  clicked(event) {
    const paragraph = this.indexOf(event.target);
    if (paragraph < 0) return;
    if (event.target.closest(".edit")) this.on.edit(paragraph);
    else if (event.target.closest(".speaker")) this.on.rename(this.words.speaker[this.words.first[paragraph]]);
    else if (event.target.closest("p") && getSelection().isCollapsed) this.seekTo(event, paragraph);
  }

  seekTo(event, paragraph) {
    const node = this.elements[paragraph].children[1].firstChild;
    const caret = document.caretPositionFromPoint?.(event.clientX, event.clientY);
    const place = caret || document.caretRangeFromPoint?.(event.clientX, event.clientY);
    const found = place && (place.offsetNode || place.startContainer);
    if (found !== node) return;
    const word = this.words.wordAt(paragraph, place.offset ?? place.startOffset);
    this.on.seek(this.words.start[word], word);
  }

  /** The paragraph whose controls Tab reaches: one, not two thousand. */
  select(paragraph) {
    const set = (index, value) => {
      for (const one of this.elements[index]?.querySelectorAll("a, button") || []) one.tabIndex = value;
    };
    if (paragraph < 0) return;
    set(this.current, -1);
    this.current = paragraph;
    set(paragraph, 0);
  }

  /** Moves the focus by some paragraphs. */
  step(by) {
    const to = Math.max(0, Math.min(this.elements.length - 1, this.current + by));
    this.select(to);
    this.elements[to]?.querySelector("a").focus();
  }

  /** Marks where the player is: the word is lit while it is spoken, its paragraph stays marked. -1: nowhere. */
  light(word) {
    const element = word < 0 ? null : this.elements[this.words.paragraphOf(word)];
    this.highlights.one("spoken", element && this.rangeOfWord(word));
    if (element === this.lit) return;
    this.lit?.classList.remove("now");
    element?.classList.add("now");
    this.lit = element;
  }

  /** Shows `element` instead of the text of `owner`, an element of `elements`, until it is called with null. */
  replaceText(owner, element) {
    owner.classList.toggle("editing", Boolean(element));
    owner.querySelector(".editor")?.remove();
    if (element) owner.append(element);
  }

  close() {
    this.watcher.disconnect();
    this.highlights.clear();
  }
}

/** A block of the text, which is laid out only when it comes near the window. */
function blockOf(elements) {
  const block = document.createElement("div");
  block.className = "block";
  block.append(...elements);
  // A guess of its height until then, so that the scroll bar is about right.
  const heights = elements.map((one) => Math.ceil((one.children[1]?.textContent.length || LINE) / LINE) * 1.75 + 1.2);
  block.style.containIntrinsicBlockSize = `auto ${heights.reduce((sum, height) => sum + height, 0)}rem`;
  return block;
}

function gapOf([start, end]) {
  const element = document.createElement("p");
  element.className = "gap";
  element.textContent = `${position(start)} to ${position(end)} is not transcribed yet.`;
  return element;
}
