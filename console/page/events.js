// Server-sent events: one stream for the whole page. After a break the browser connects again, with Last-Event-ID.
// A hidden page has none, as a browser keeps six connections to a server for all of its tabs.
import { useEffect, useRef } from "./html.js";
import { address } from "./api.js";

const NAMES = ["recording", "chunks", "costs", "trouble"];
/** Whoever looks at another tab for a moment need not connect again. */
const HIDDEN_MS = 20_000;

const listeners = new Set();
let source = null;
let opened = false;
let hiding = 0;

function tell(name, data) {
  const value = data ? JSON.parse(data) : {};
  for (const listener of [...listeners]) listener(name, value);
}

function connect() {
  if (source || document.hidden || !listeners.size) return;
  source = new EventSource(address("/events"));
  for (const name of NAMES) source.addEventListener(name, (event) => tell(name, event.data));
  // From now on the server tells what changes; what changed before, it does not know.
  source.addEventListener("reload", () => {
    tell(opened ? "again" : "settled");
    opened = true;
  });
}

function disconnect() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(disconnect, HIDDEN_MS);
  else connect();
});

/**
 * Calls `handlers[name](value)` for each event while the component is shown: `recording` with a row, `chunks` with
 * `{id, done, of}`, `costs`, `trouble`; `again` after a break, when anything may have changed; `settled` once the server
 * watches, when what was on its way may have arrived unnoticed.
 */
export function useEvents(handlers) {
  const newest = useRef(handlers);
  newest.current = handlers;
  useEffect(() => {
    const listener = (name, value) => newest.current[name]?.(value);
    listeners.add(listener);
    connect();
    return () => {
      listeners.delete(listener);
      if (!listeners.size) disconnect();
    };
  }, []);
}
