// Uploads in progress, in a panel at the bottom. A broken connection goes on where it stopped, as Cloud Storage
// does it: `Content-Range: bytes */SIZE` asks how much is there, 308 with `Range: bytes=0-LAST` answers.
import { html, useEffect, useState } from "../html.js";
import { post } from "../api.js";
import { announce } from "../announce.js";
import { bytes, count } from "../format.js";

const AT_ONCE = 3;
const SHOWN_MS = 6000;
const TRIES = 6;
const list = [];
let draw = () => {};
let number = 0;
let closing = 0;

/** Uploads a file with options, after those that are before it. */
export function upload(file, options) {
  list.push({ number: (number += 1), file, options, sent: 0, state: "waiting", error: "", stop: null });
  next();
}

function next() {
  draw();
  clearTimeout(closing);
  // What went well needs nobody.
  if (list.every((one) => one.state === "done")) closing = setTimeout(clear, SHOWN_MS);
  const going = list.filter((one) => one.state === "going").length;
  for (const one of list.filter((each) => each.state === "waiting").slice(0, AT_ONCE - going)) run(one);
}

function clear() {
  list.length = 0;
  draw();
}

async function run(one) {
  one.state = "going";
  draw();
  try {
    const { file } = one;
    const place = await post("/uploads", {
      name: file.name,
      size: file.size,
      media_type: file.type || "application/octet-stream",
      options: one.options,
    });
    await send(one, place);
    one.state = "done";
    announce(`${file.name} is uploaded.`, { quiet: true });
  } catch (error) {
    if (one.state !== "stopped") {
      one.state = "failed";
      one.error = error.message;
      announce(`${one.file.name}: ${error.message}`, { error: true, quiet: true });
    }
  }
  next();
}

async function send(one, place) {
  let from = 0;
  for (let tries = 1; ; tries += 1) {
    const answer = await put(one, place, from);
    if (answer.status >= 200 && answer.status < 300) return;
    if (one.state === "stopped") throw new Error("Stopped.");
    const again = answer.status === 0 || answer.status >= 500;
    if (!again) throw new Error(answer.message || `The upload was refused with status ${answer.status}.`);
    if (tries === TRIES) throw new Error("The connection broke again and again. Try once more when it is stable.");
    await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries));
    const there = await stored(one, place);
    if (there === null) return;
    if (there > from) tries = 1;
    from = there;
  }
}

/** Number of bytes that arrived; null if all of them did. */
async function stored(one, place) {
  const asked = await request(one, place, { "Content-Range": `bytes */${one.file.size}` }, null);
  if (asked.status >= 200 && asked.status < 300) return null;
  const found = /bytes=0-(\d+)/.exec(asked.range || "");
  return found ? Number(found[1]) + 1 : 0;
}

function put(one, place, from) {
  const { size } = one.file;
  const range = from ? { "Content-Range": `bytes ${from}-${size - 1}/${size}` } : {};
  return request(one, place, range, from ? one.file.slice(from) : one.file, from);
}

/** One request: `{status, range, message}`; status 0 where there was no answer. XHR, as `fetch` tells no progress. */
function request(one, place, headers, body, from = 0) {
  return new Promise((resolve) => {
    const call = new XMLHttpRequest();
    call.open(place.method || "PUT", place.upload_url);
    for (const [name, value] of Object.entries({ ...place.headers, ...headers })) call.setRequestHeader(name, value);
    call.upload.onprogress = (event) => {
      if (!body) return;
      one.sent = from + event.loaded;
      draw();
    };
    call.onloadend = () => {
      let message = "";
      try {
        message = JSON.parse(call.responseText).error.message;
      } catch {
        // Cloud Storage answers with XML or nothing.
      }
      const range = call.status ? call.getResponseHeader("Range") : "";
      resolve({ status: call.status, range, message });
    };
    one.stop = () => {
      one.state = "stopped";
      call.abort();
    };
    call.send(body);
  });
}

window.addEventListener("beforeunload", (event) => {
  if (list.some((one) => one.state === "going" || one.state === "waiting")) event.preventDefault();
});

const SAID = { waiting: "Waiting", done: "Uploaded", stopped: "Stopped", failed: "Failed" };

/** The panel; nothing while there are no uploads. */
export function Uploads() {
  const [, setTurn] = useState(0);
  useEffect(() => {
    draw = () => setTurn((turn) => turn + 1);
  }, []);
  if (!list.length) return null;
  const ended = list.every((one) => !["going", "waiting"].includes(one.state));
  const stop = (one) => {
    if (one.state === "waiting") one.state = "stopped";
    else one.stop?.();
    next();
  };
  const again = (one) => {
    one.state = "waiting";
    one.error = "";
    next();
  };
  return html`
    <section class="uploads" aria-label="Uploads">
      <header>
        <h2>${count(list.length, "upload")}</h2>
        ${ended && html`<button class="icon" aria-label="Close the list of uploads" onClick=${clear}>×</button>`}
      </header>
      <ul>
        ${list.map(
          (one) => html`
            <li key=${one.number}>
              <span class="file">${one.file.name}</span>
              <progress max=${one.file.size} value=${one.state === "done" ? one.file.size : one.sent} aria-label=${`Upload of ${one.file.name}`}></progress>
              <span class="small">${SAID[one.state] || `${bytes(one.sent)} of ${bytes(one.file.size)}`}</span>
              ${["going", "waiting"].includes(one.state) &&
              html`<button class="link" aria-label=${`Stop the upload of ${one.file.name}`} onClick=${() => stop(one)}>Stop</button>`}
              ${one.state === "failed" &&
              html`<button class="link" aria-label=${`Upload ${one.file.name} again`} onClick=${() => again(one)}>Try again</button>`}
              ${one.error && html`<p class="bad">${one.error}</p>`}
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}
