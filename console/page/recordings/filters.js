// Filters of the list. They stand in the address, so that a filtered list can be bookmarked and sent.
import { html, useLayoutEffect, useRef, useState } from "../html.js";
import { hasEnded } from "../format.js";
import { go } from "../router.js";

const STATES = [
  ["", "Any state"],
  ["working", "In progress"],
  ["DONE", "Done"],
  ["FAILED", "Failed"],
  ["CANCELLED", "Cancelled"],
];
const WAIT_MS = 200;

/** The filter that an address asks for. */
export function fromAddress(query) {
  return {
    state: query.get("state") || "",
    label: query.get("label") || "",
    text: query.get("text") || "",
    trouble: query.get("trouble") === "1",
    held: query.get("held") === "1",
  };
}

/** The same as parameters; what does not filter is empty. */
export function asQuery(filter) {
  return { ...filter, trouble: filter.trouble ? "1" : "", held: filter.held ? "1" : "" };
}

/** What a recording is called, and the name of its object, without the bucket. */
const names = (row) => [row.name, row.uri.split("/").slice(3).join("/")];

/** Whether a row belongs into the filtered list. */
export function fits(filter, row) {
  const state =
    !filter.state || row.state === filter.state || (filter.state === "working" && !hasEnded(row));
  return (
    state &&
    row.state !== "DELETED" &&
    (!filter.label || row.label === filter.label) &&
    (!filter.text || names(row).some((name) => name.toLowerCase().includes(filter.text.toLowerCase()))) &&
    (!filter.trouble || row.trouble) &&
    (!filter.held || row.held)
  );
}

function show(filter) {
  const given = Object.entries(asQuery(filter)).filter(([, value]) => value);
  const query = new URLSearchParams(given).toString();
  go(query ? `/?${query}` : "/", { replace: true });
}

/** `labels`: those that are known, to choose from. */
export function Filters({ filter, labels }) {
  const [typed, setTyped] = useState({ text: filter.text, label: filter.label });
  const timer = useRef(0);
  /** What is typed and not in the address yet. */
  const pending = useRef({});
  const newest = useRef(filter);
  newest.current = filter;
  // Before the next letter can be typed.
  useLayoutEffect(() => setTyped({ text: filter.text, label: filter.label, ...pending.current }), [filter.text, filter.label]);
  useLayoutEffect(() => () => clearTimeout(timer.current), []);
  const set = (change) => {
    show({ ...newest.current, ...pending.current, ...change });
    pending.current = {};
  };
  const type = (change) => {
    setTyped((old) => ({ ...old, ...change }));
    Object.assign(pending.current, change);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set({}), WAIT_MS);
  };
  return html`
    <form class="filters" aria-label="Filters" onSubmit=${(event) => event.preventDefault()}>
      <input
        id="filter-text"
        type="search"
        aria-label="Name contains"
        placeholder="Name contains"
        value=${typed.text}
        onInput=${(event) => type({ text: event.target.value })}
      />
      <select aria-label="State" value=${filter.state} onChange=${(event) => set({ state: event.target.value })}>
        ${STATES.map(([value, name]) => html`<option value=${value}>${name}</option>`)}
      </select>
      <input
        aria-label="Label"
        placeholder="Any label"
        list="labels"
        value=${typed.label}
        onInput=${(event) => type({ label: event.target.value })}
      />
      <datalist id="labels">${labels.map((label) => html`<option value=${label} />`)}</datalist>
      <label class="check">
        <input type="checkbox" checked=${filter.trouble} onChange=${(event) => set({ trouble: event.target.checked })} />
        In trouble
      </label>
      <label class="check">
        <input type="checkbox" checked=${filter.held} onChange=${(event) => set({ held: event.target.checked })} />
        Held
      </label>
    </form>
  `;
}
