// Search over all transcripts: each hit is a link to its moment.
import { html, useEffect, useRef, useState } from "../html.js";
import { get } from "../api.js";
import { announceError } from "../announce.js";
import { count, position } from "../format.js";
import { Link, momentLink, useTitle } from "../router.js";

const PAGE = 50;

export default function Search({ text }) {
  const [hits, setHits] = useState(null);
  const [next, setNext] = useState(null);
  const [error, setError] = useState(null);
  const stop = useRef(null);
  useTitle(`“${text}”`);
  useEffect(() => {
    stop.current = new AbortController();
    setHits(null);
    setError(null);
    get("/search", { q: text, limit: PAGE }, stop.current.signal).then(
      (answer) => {
        setHits(answer.hits);
        setNext(answer.next);
      },
      (problem) => problem.name === "AbortError" || setError(problem),
    );
    return () => stop.current.abort();
  }, [text]);
  const more = () =>
    get("/search", { q: text, limit: PAGE, cursor: next }, stop.current.signal).then((answer) => {
      setHits((old) => [...old, ...answer.hits]);
      setNext(answer.next);
    }, announceError);
  const groups = new Map();
  for (const hit of hits || []) groups.set(hit.recording, [...(groups.get(hit.recording) || []), hit]);
  return html`
    <h1>Search</h1>
    ${error && html`<p class="notice bad" role="alert">${error.message}</p>`}
    <p class="quiet" role="status">
      ${hits && (hits.length ? `${count(hits.length, "hit")}${next ? " so far" : ""} for “${text}”` : `Nothing was found for “${text}”.`)}
    </p>
    ${[...groups].map(
      ([recording, found]) => html`
        <section class="hits" key=${recording}>
          <h2><${Link} href=${`/recordings/${encodeURIComponent(recording)}`}>${found[0].name}<//></h2>
          <ul>
            ${found.map(
              (hit) => html`
                <li>
                  <${Link} href=${momentLink(recording, hit.start)}>
                    <span class="time">${position(hit.start)}</span>
                    <span>${hit.snippet.map(([part, isHit]) => (isHit ? html`<mark>${part}</mark>` : part))}</span>
                  <//>
                </li>
              `,
            )}
          </ul>
        </section>
      `,
    )}
    ${next && html`<p class="more"><button onClick=${more}>Show more</button></p>`}
  `;
}
