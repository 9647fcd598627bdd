// The list of all recordings: newest first, by pages, with filters; rows change as their recordings do.
import { html, useEffect, useRef, useState } from "../html.js";
import { get, useAbout } from "../api.js";
import { announceError } from "../announce.js";
import { useEvents } from "../events.js";
import { useKeys } from "../keys.js";
import { useTitle } from "../router.js";
import { Filters, asQuery, fromAddress, fits } from "./filters.js";
import { Row } from "./row.js";

const PAGE = 50;
const MOST = 200;

/** `rows` with what an event says of one recording. `isAll`: there are no more pages. */
function workedIn(rows, row, filter, isAll) {
  const rest = rows.filter((one) => one.id !== row.id);
  if (!fits(filter, row)) return rest;
  const isOlder = (one) => one.created < row.created || (one.created === row.created && one.id < row.id);
  const place = rest.findIndex(isOlder);
  if (place < 0 && rest.length === rows.length && !isAll) return rows;
  return place < 0 ? [...rest, row] : rest.toSpliced(place, 0, row);
}

/** The rows under a filter, with what the events say worked in. */
function useRows(filter) {
  const [{ rows, next }, setShown] = useState({ rows: null, next: null });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  // What was told since the newest request, whose answer may be older; null: none is on its way.
  const told = useRef(null);
  const withTold = (shown, row) => ({ ...shown, rows: workedIn(shown.rows, row, filter, !shown.next) });

  const load = async (cursor) => {
    const mine = (told.current = []);
    setBusy(true);
    // As many as are shown, so that nothing goes from below the reader.
    const limit = cursor ? PAGE : Math.min(MOST, Math.max(PAGE, rows?.length || 0));
    try {
      const answer = await get("/recordings", { ...asQuery(filter), limit, cursor });
      if (told.current !== mine) return;
      setShown((old) => {
        const all = cursor ? [...old.rows, ...answer.recordings] : answer.recordings;
        return mine.reduce(withTold, { rows: all, next: answer.next });
      });
      setError(null);
    } catch (problem) {
      if (told.current !== mine) return;
      if (cursor) announceError(problem);
      else setError(problem);
    }
    told.current = null;
    setBusy(false);
  };
  useEffect(() => {
    load(null);
  }, [JSON.stringify(filter)]);

  const changed = (row) => {
    told.current?.push(row);
    setShown((old) => (old.rows ? withTold(old, row) : old));
  };
  useEvents({ recording: changed, again: () => load(null), settled: () => load(null) });
  return { rows, next, busy, error, more: () => load(next) };
}

/** Moves the focus from one row's link to the one before or after it. */
function step(by) {
  const links = [...document.querySelectorAll(".recordings a.name")];
  const place = links.indexOf(document.activeElement);
  links[Math.max(0, Math.min(links.length - 1, place + by))]?.focus();
}

export function Recordings({ query }) {
  const filter = fromAddress(query);
  const { rows, next, busy, error, more } = useRows(filter);
  const about = useAbout();
  useTitle("");
  useKeys("Recordings", [
    ["j", "Next recording", () => step(1)],
    ["k", "Previous recording", () => step(-1)],
    ["/", "Filter by name", () => document.getElementById("filter-text").focus()],
  ]);
  const filtered = Object.values(asQuery(filter)).some(Boolean);
  return html`
    <h1>Recordings</h1>
    <${Filters} filter=${filter} labels=${about?.labels || []} />
    ${error && html`<p class="notice bad" role="alert">${error.message}</p>`}
    ${rows && rows.length > 0 &&
    html`
      <table class="recordings">
        <thead>
          <tr>
            <th scope="col">Recording</th>
            <th scope="col">State</th>
            <th scope="col" class="number wide">Length</th>
            <th scope="col" class="wide">Method</th>
            <th scope="col" class="number wide">Cost</th>
            <th scope="col" class="number wide">Added</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => html`<${Row} key=${row.id} row=${row} />`)}
        </tbody>
      </table>
    `}
    ${rows && rows.length === 0 && html`<${Nothing} filtered=${filtered} about=${about} />`}
    ${next && html`<p class="more"><button disabled=${busy} onClick=${more}>Show more</button></p>`}
  `;
}

function Nothing({ filtered, about }) {
  if (filtered) return html`<p class="empty">No recordings match these filters.</p>`;
  return html`
    <div class="empty">
      <h2>Nothing here yet</h2>
      <p>Drop recordings anywhere on this page, or choose Upload.</p>
      ${about?.inbox && html`<p class="quiet">Files in <code>${about.inbox}</code> are transcribed too.</p>`}
    </div>
  `;
}
