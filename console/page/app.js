// The page: the bar, one view by the address, and what is the same everywhere (drop, uploads, keys, notices).
import { html, render, useEffect, useRef, useState } from "./html.js";
import { Announcer } from "./announce.js";
import { Header } from "./header.js";
import { KeyList, useKeys } from "./keys.js";
import { go, useLocation } from "./router.js";
import { Recordings } from "./recordings/recordings.js";
import { Drop } from "./recordings/drop.js";
import { Uploads } from "./recordings/uploads.js";

// Views that are not the first one are loaded when they are looked at.
const LATER = {
  recording: () => import("./recording/recording.js"),
  search: () => import("./search/search.js"),
  costs: () => import("./costs/costs.js"),
  trouble: () => import("./trouble/trouble.js"),
};

function Later({ name, ...props }) {
  const [view, setView] = useState(null);
  const [error, setError] = useState(false);
  useEffect(() => {
    setView(null);
    LATER[name]().then((module) => setView(() => module.default), () => setError(true));
  }, [name]);
  if (error) return html`<p class="notice bad">This part of the page could not be loaded. Reload the page.</p>`;
  return view && html`<${view} ...${props} />`;
}

function view({ path, query, hash }) {
  const recording = /^\/recordings\/([^/]+)$/.exec(path);
  if (recording) {
    const id = decodeURIComponent(recording[1]);
    return html`<${Later} name="recording" id=${id} hash=${hash} query=${query} key=${id} />`;
  }
  if (path === "/search") return html`<${Later} key="search" name="search" text=${query.get("q") || ""} />`;
  if (path === "/costs") return html`<${Later} key="costs" name="costs" query=${query} />`;
  if (path === "/trouble") return html`<${Later} key="trouble" name="trouble" />`;
  return html`<${Recordings} query=${query} />`;
}

function App() {
  const here = useLocation();
  const [keysShown, showKeys] = useState(false);
  const [files, setFiles] = useState([]);
  const chooser = useRef(null);
  const choose = () => chooser.current.click();
  const chosen = (event) => {
    setFiles([...event.target.files]);
    event.target.value = "";
  };
  const first = useRef(true);
  useEffect(() => {
    // Whoever follows a link with the keyboard or a screen reader begins at the new content.
    if (!first.current) document.getElementById("main").focus({ preventScroll: true });
    first.current = false;
  }, [here.path]);
  useKeys("Everywhere", [
    ["?", "This list", () => showKeys(true)],
    ["g r", "Go to the recordings", () => go("/")],
    ["g c", "Go to the costs", () => go("/costs")],
    ["g t", "Go to trouble", () => go("/trouble")],
    ["s", "Search all transcripts", () => document.getElementById("search-all").focus()],
    ["u", "Upload recordings", choose],
  ]);
  return html`
    <${Header} path=${here.path} query=${here.query} onUpload=${choose} onKeys=${() => showKeys(true)} />
    <main id="main" tabindex="-1">${view(here)}</main>
    <input ref=${chooser} type="file" multiple hidden id="chooser" aria-label="Recordings to upload" onChange=${chosen} />
    <${Drop} files=${files} onFiles=${setFiles} />
    <${Uploads} />
    <${Announcer} />
    ${keysShown && html`<${KeyList} onClose=${() => showKeys(false)} />`}
  `;
}

render(html`<${App} />`, document.getElementById("app"));
