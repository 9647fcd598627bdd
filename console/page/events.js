// Server-sent events. One stream for each recording that is looked at, or one for all; the browser goes on after
// a break by itself, with Last-Event-ID.
import { useEffect, useRef } from "./html.js";
import { address } from "./api.js";

const NAMES = ["recording", "chunks", "costs", "trouble"];
const streams = new Map();

class Stream {
  constructor(recording) {
    this.listeners = new Set();
    this.source = new EventSource(address("/events", { recording }));
    for (const name of NAMES) {
      this.source.addEventListener(name, (event) => this.tell(name, event.data));
    }
    // What happened while there was no connection may be lost where the server does not know the last id any more.
    this.source.addEventListener("open", () => {
      if (this.opened) this.tell("again", "");
      this.opened = true;
    });
  }

  tell(name, data) {
    const value = data ? JSON.parse(data) : {};
    for (const listener of [...this.listeners]) listener(name, value);
  }
}

/** Calls `listener(name, value)` for each event until the returned function is called. */
export function listen(recording, listener) {
  if (!streams.has(recording)) streams.set(recording, new Stream(recording));
  const stream = streams.get(recording);
  stream.listeners.add(listener);
  return () => {
    stream.listeners.delete(listener);
    if (!stream.listeners.size) {
      stream.source.close();
      streams.delete(recording);
    }
  };
}

/**
 * Calls `handlers[name](value)` for each event while the component is shown; `again` after a break in the connection.
 * `recording`: only events of this one; "" for all.
 */
export function useEvents(recording, handlers) {
  const newest = useRef(handlers);
  newest.current = handlers;
  useEffect(() => listen(recording, (name, value) => newest.current[name]?.(value)), [recording]);
}
