// The text follows the sound until the reader scrolls.

const EDGE = 90;
const SCROLL_KEYS = ["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"];

const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export class Follow {
  /** `changed(follows)` is called when the reader takes over, or gives back. */
  constructor(changed) {
    this.on = true;
    this.changed = changed;
    /** Where the window stood when the last word was well inside it; null: it is being brought there. */
    this.stood = null;
    const reader = (event) => {
      if (event.type === "keydown" && (!SCROLL_KEYS.includes(event.key) || event.target.closest?.("input, textarea, select, [role=slider]"))) return;
      // A press beside the content is one on the scroll bar.
      if (event.type === "pointerdown" && event.clientX < document.documentElement.clientWidth) return;
      this.set(false);
    };
    this.stops = ["wheel", "touchmove", "keydown", "pointerdown"].map((name) => {
      window.addEventListener(name, reader, { passive: true });
      return () => window.removeEventListener(name, reader);
    });
  }

  set(on) {
    this.stood = null;
    if (on === this.on) return;
    this.on = on;
    this.changed(on);
  }

  /**
   * Scrolls if `range` is not well inside the window. If only scrolling moved it out, the reader takes over: the browser
   * reports some ways to scroll late, or never. `top`: height that the player covers.
   */
  keepInView(range, top) {
    if (!this.on) return;
    const box = range.getBoundingClientRect();
    const isInside = (by) => box.top + by >= top + 10 && box.bottom + by <= innerHeight - EDGE;
    if (isInside(0)) this.stood = scrollY;
    else if (this.stood !== null && isInside(scrollY - this.stood)) this.set(false);
    else {
      this.stood = null;
      bring(range, top);
    }
  }

  close() {
    this.stops.forEach((stop) => stop());
  }
}

/** Scrolls a range to the upper third of the window. What is far away has guessed heights, so it looks twice. */
export function bring(range, top, turns = 3) {
  const element = range.startContainer.parentElement;
  const far = Math.abs(element.getBoundingClientRect().top) > 3 * innerHeight;
  if (far) element.scrollIntoView({ block: "center", behavior: "instant" });
  const box = range.getBoundingClientRect();
  const by = box.top - top - (innerHeight - top) / 4;
  window.scrollBy({ top: by, behavior: far || isCalm() ? "instant" : "smooth" });
  if (far && turns > 1) requestAnimationFrame(() => bring(range, top, turns - 1));
}
