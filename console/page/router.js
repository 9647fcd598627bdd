// Addresses of the page: /, /recordings/ID, /search, /costs and /trouble. Links between them load nothing anew.
import { html, useEffect, useState } from "./html.js";

const listeners = new Set();

const tell = () => [...listeners].forEach((listener) => listener());
window.addEventListener("popstate", tell);
window.addEventListener("hashchange", tell);

/** Goes to an address of the page. */
export function go(to, { replace = false } = {}) {
  const before = location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  tell();
  if (!replace && location.pathname !== before) window.scrollTo(0, 0);
}

/** The address now, and again whenever it changes: `{path, query, hash}`. */
export function useLocation() {
  const [, draw] = useState(0);
  useEffect(() => {
    const listener = () => draw((turn) => turn + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return { path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash };
}

/** A link within the page; with a modifier key the browser opens it as usual. */
export function Link({ href, children, ...rest }) {
  const follow = (event) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(href);
  };
  return html`<a href=${href} onClick=${follow} ...${rest}>${children}</a>`;
}

/** The moment that an address points to (`#t=62.5`, seconds), in milliseconds; null if it points to none. */
export function momentOf(hash) {
  const found = /^#t=(\d+(?:\.\d+)?)$/.exec(hash);
  return found ? Math.round(Number(found[1]) * 1000) : null;
}

/** The address of a moment of a recording. `ms`: milliseconds. */
export const momentLink = (id, ms) => `/recordings/${encodeURIComponent(id)}#t=${Math.max(0, ms) / 1000}`;

/** The title of the window while the component is shown. */
export function useTitle(text) {
  useEffect(() => {
    document.title = text ? `${text} – Dropscribe` : "Dropscribe";
  }, [text]);
}
