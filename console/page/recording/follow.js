// The text follows the sound until the reader scrolls, and is scrolled to where the reader wants it.

const EDGE = 90;
const SCROLL_KEYS = ["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"];

const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Whether a range is well inside the window, or would be if the window were scrolled up by `by` pixels. */
function isInside(range, top, by = 0) {
  const box = range.getBoundingClientRect();
  return box.top + by >= top + 10 && box.bottom + by <= innerHeight - EDGE;
}

export class Follow {
  /** `changed(follows)` is called when the reader takes over, or gives back. */
  constructor(changed) {
    this.on = true;
    this.changed = changed;
    /** Where the window stood when the last word was well inside it, or was brought there; null: it is on its way. */
    this.stood = null;
    /** The next look at what was scrolled far. */
    this.frame = null;
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
    cancelAnimationFrame(this.frame);
    this.stood = null;
    if (on === this.on) return;
    this.on = on;
    this.changed(on);
  }

  /**
   * Scrolls if `range` is not well inside the window. If only scrolling moved it out, the reader takes over. `top`: height
   * that the player covers.
   */
  keepInView(range, top) {
    if (!this.on) return;
    if (isInside(range, top)) this.stood = scrollY;
    else this.bring(range, top);
  }

  /**
   * Scrolls a range to the upper third of the window. What is far away has guessed heights, so it looks up to three times,
   * unless the reader scrolls meanwhile.
   */
  bring(range, top, looks = 3) {
    cancelAnimationFrame(this.frame);
    // The browser reports some ways to scroll late, or never.
    if (this.stood !== null && !isInside(range, top) && isInside(range, top, scrollY - this.stood)) {
      this.set(false);
      return;
    }
    const element = range.startContainer.parentElement;
    const far = Math.abs(element.getBoundingClientRect().top) > 3 * innerHeight;
    if (far) element.scrollIntoView({ block: "center", behavior: "instant" });
    const by = range.getBoundingClientRect().top - top - (innerHeight - top) / 4;
    const smooth = !far && looks === 3 && !isCalm();
    window.scrollBy({ top: by, behavior: smooth ? "smooth" : "instant" });
    this.stood = smooth ? null : scrollY;
    if (far && looks > 1) this.frame = requestAnimationFrame(() => this.bring(range, top, looks - 1));
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.stops.forEach((stop) => stop());
  }
}
