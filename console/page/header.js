// The bar on top: where one is, what is in trouble, search over all transcripts, upload.
import { html, useLayoutEffect, useRef } from "./html.js";
import { useApi } from "./api.js";
import { useEvents } from "./events.js";
import { count } from "./format.js";
import { go, Link } from "./router.js";

const PLACES = [
  ["/", "Recordings"],
  ["/costs", "Costs"],
  ["/trouble", "Trouble"],
];

function isHere(path, place) {
  return place === "/" ? path === "/" || path.startsWith("/recordings") : path.startsWith(place);
}

/** `onUpload` opens the file chooser, `onKeys` the list of keys. */
export function Header({ path, query, onUpload, onKeys }) {
  const trouble = useApi("/trouble");
  useEvents({ trouble: trouble.reload, again: trouble.reload });
  const input = useRef(null);
  const searched = path === "/search" ? query.get("q") || "" : "";
  // Set once: as an attribute, each change of trouble would replace what somebody is typing.
  useLayoutEffect(() => {
    input.current.value = searched;
  }, [searched]);
  const found = trouble.value;
  const number = found ? found.failed.length + found.dead_letters.length : 0;
  const search = (event) => {
    event.preventDefault();
    const text = input.current.value.trim();
    if (text) go(`/search?q=${encodeURIComponent(text)}`);
  };
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="bar">
      <${Link} href="/" class="brand"><span class="mark" aria-hidden="true"></span>Dropscribe<//>
      <nav aria-label="Main">
        ${PLACES.map(
          ([place, name]) => html`
            <${Link} href=${place} aria-current=${isHere(path, place) ? "page" : undefined}>
              ${name}
              ${place === "/trouble" && number > 0 &&
              html`<span class="badge bad" aria-label=${count(number, "item")}>${number > 99 ? "99+" : number}</span>`}
            <//>
          `,
        )}
      </nav>
      <form role="search" onSubmit=${search}>
        <input
          ref=${input}
          id="search-all"
          type="search"
          aria-label="Search all transcripts"
          placeholder="Search all transcripts"
        />
      </form>
      <button class="primary upload" onClick=${onUpload}>Upload</button>
      <button class="icon" aria-label="Keys" title="Keys (?)" onClick=${onKeys}>?</button>
    </header>
  `;
}
