// What happens is said once, politely: in a live region for screen readers, and as a notice that disappears after a while.
import { html, useEffect, useState } from "./html.js";

const SHOWN_MS = 8000;
let show = () => {};
let number = 0;

/** Says `text`. Errors stay until they are closed; `quiet`: for screen readers only. */
export function announce(text, { error = false, quiet = false } = {}) {
  show({ text, error, quiet, number: (number += 1) });
}

/** Says what went wrong, unless it was our own doing. */
export function announceError(error) {
  if (error?.name !== "AbortError") announce(error.message, { error: true });
}

/** Stands once in the page. */
export function Announcer() {
  const [notice, setNotice] = useState(null);
  useEffect(() => {
    show = setNotice;
  }, []);
  useEffect(() => {
    if (!notice || notice.error) return undefined;
    const timer = setTimeout(() => setNotice(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice?.number]);
  const seen = notice && !notice.quiet;
  return html`
    <div class=${`toast ${seen ? "shown" : ""} ${notice?.error ? "error" : ""}`}>
      <div role="status" aria-live="polite">${notice?.text}</div>
      ${seen && html`<button class="icon" aria-label="Close this notice" onClick=${() => setNotice(null)}>×</button>`}
    </div>
  `;
}
