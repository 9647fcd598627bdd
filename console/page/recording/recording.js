// One recording: what is known about it and its warnings first, then what is read and heard (reader.js).
import { html, useEffect, useRef, useState } from "../html.js";
import { get, useApi } from "../api.js";
import { announce } from "../announce.js";
import { useEvents } from "../events.js";
import { bytes, dollars, hasEnded, length, moment } from "../format.js";
import { Link, useTitle } from "../router.js";
import { needStyles } from "../styles.js";
import { State } from "../recordings/row.js";
import { Actions } from "./actions.js";
import { Reader } from "./reader.js";
import { Words } from "./words.js";

await needStyles("css/recording.css");

/** The words of a revision (null: the newest); asked for again when `turn` changes. */
function useWords(id, revision, turn) {
  const [words, setWords] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    get(`/recordings/${id}/words`, { revision }, stop.signal).then(
      (answer) => {
        setWords(new Words(answer));
        setError(null);
      },
      (problem) => problem.name === "AbortError" || setError(problem),
    );
    return () => stop.abort();
  }, [id, revision, turn]);
  return [words, error];
}

export default function Recording({ id, hash }) {
  const path = encodeURIComponent(id);
  const [turn, setTurn] = useState(0);
  const [revision, setRevision] = useState(null);
  const detail = useApi(`/recordings/${path}`);
  const [words, wordsError] = useWords(path, revision, turn);
  const again = () => {
    setTurn((old) => old + 1);
    detail.reload();
  };
  const state = useRef("");
  useEvents({
    recording: (row) => {
      if (row.id !== id) return;
      if (state.current && row.state !== state.current) {
        if (row.state === "DONE") announce("The transcript is complete.");
        again();
      } else detail.reload();
    },
    chunks: (event) => event.id === id && again(),
    again,
    settled: () => (detail.value && hasEnded(detail.value) ? detail.reload() : again()),
  });
  const found = detail.value;
  state.current = found?.state || "";
  useTitle(found?.name);
  if (!found) {
    return detail.error
      ? html`<h1>Recording</h1><p class="notice bad" role="alert">${detail.error.message}</p><p><${Link} href="/">All recordings<//></p>`
      : html`<h1 class="quiet">Loading …</h1>`;
  }
  return html`
    <${Head} found=${found} onChanged=${again} />
    ${wordsError && !words && found.state !== "FAILED" && html`<p class="notice bad" role="alert">${wordsError.message}</p>`}
    <${Reader} found=${found} words=${words} turn=${turn} hash=${hash} revision=${revision} onRevision=${setRevision} onSaved=${again} />
  `;
}

function Head({ found, onChanged }) {
  const facts = [
    length(found.seconds),
    bytes(found.size),
    found.method,
    found.language,
    dollars(found.usd),
    `added ${moment(found.created)}`,
  ].filter(Boolean);
  return html`
    <p class="crumb"><${Link} href="/">Recordings<//></p>
    <div class="title">
      <h1>${found.name}</h1>
      <${Actions} found=${found} onChanged=${onChanged} />
    </div>
    <p class="facts">
      <${State} row=${found} /> <span>${facts.join(" · ")}</span>
      ${found.label && html` <span class="label">${found.label}</span>`}
    </p>
    ${found.reason && html`<p class="notice bad">${found.reason}</p>`}
    ${found.warnings.length > 0 && html`<${Warnings} texts=${found.warnings} />`}
  `;
}

function Warnings({ texts }) {
  return html`
    <section class="notice warn" aria-label="Warnings">
      <ul>${texts.map((text) => html`<li>${text}</li>`)}</ul>
    </section>
  `;
}
