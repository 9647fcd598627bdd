// Uploads in progress, in a panel at the bottom: to Dropscribe, or straight to Cloud Storage, whose answers say less. A
// broken connection goes on where it stopped, as Cloud Storage does it: `Content-Range: bytes */SIZE` asks how much is there, 308 with `Range: bytes=0-LAST` answers.
import { html, useEffect, useState } from "../html.js";
import { address, post } from "../api.js";
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
  list.push({ number: (number += 1), file, options, sent: 0, state: "waiting", error: "", place: null, stop: null });
  next();
}

function next() {
  draw();
  clearTimeout(closing);
  // What went well needs no attention.
  if (list.every((one) => one.state === "done")) closing = setTimeout(clear, SHOWN_MS);
  const going = list.filter((one) => one.state === "going").length;
  for (const one of list.filter((each) => each.state === "waiting").slice(0, AT_ONCE - going)) run(one);
}

function clear() {
  list.forEach(forget);
  list.length = 0;
  draw();
}

/** Gives up what came of a file, so that the disk has its room for others. */
function forget(one) {
  const ours = one.state !== "done" && one.place?.upload_url.startsWith("/");
  // Also while the page is left; if the server does not get it, it gives the file up after an hour.
  if (ours) fetch(address(`/uploads/${one.place.id}`), { method: "DELETE", keepalive: true }).catch(() => {});
  one.place = null;
}

async function run(one) {
  one.state = "going";
  draw();
  try {
    const { file } = one;
    const begun = one.place !== null;
    one.place ||= await post("/uploads", {
      name: file.name,
      size: file.size,
      media_type: file.type || "application/octet-stream",
      options: one.options,
    });
    if (one.state === "stopped") throw new Error(SAID.stopped);
    await send(one, begun);
    one.state = "done";
    announce(`${file.name} is uploaded.`, { quiet: true });
  } catch (error) {
    if (one.state !== "stopped") {
      one.state = "failed";
      one.error = error.message;
      announce(`${one.file.name}: ${error.message}`, { error: true, quiet: true });
    } else {
      forget(one);
    }
  }
  next();
}

const GONE = [404, 410];

/** Why an upload was refused. Cloud Storage's own words are for programmers. */
function refused(one, answer) {
  const ours = one.place.upload_url.startsWith("/");
  // Trying again asks for another address, unless this one waits for room.
  if (answer.status !== 507) one.place = null;
  if (ours && answer.message) return answer.message;
  if (answer.status === 412) return "Another file with this name was uploaded first. Try again: yours gets another name.";
  if (GONE.includes(answer.status)) return "The address of this upload is not valid any more. Try again.";
  return `The upload was refused with status ${answer.status}. Try again.`;
}

/** Sends a file; one that was `begun` before goes on where it stopped. */
async function send(one, begun) {
  const { size } = one.file;
  let [from, tries, ask] = [0, 0, begun];
  for (;;) {
    const answer = await (ask ? request(one, { "Content-Range": `bytes */${size}` }, null) : put(one, from));
    if (answer.status >= 200 && answer.status < 300) return;
    if (one.state === "stopped") throw new Error(SAID.stopped);
    if (ask && answer.status === 308) {
      const found = /bytes=0-(\d+)/.exec(answer.range || "");
      const there = found ? Number(found[1]) + 1 : 0;
      if (there > from) tries = 0;
      [from, ask] = [there, false];
      continue;
    }
    // A full disk stays full for the next seconds.
    const isFinal = answer.status < 500 || answer.status === 507;
    if (answer.status && answer.status !== 308 && isFinal) throw new Error(refused(one, answer));
    tries += 1;
    if (tries === TRIES)
      throw new Error(answer.message || "The connection broke again and again. Try once more when it is stable.");
    await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries));
    if (one.state === "stopped") throw new Error(SAID.stopped);
    ask = true;
  }
}

function put(one, from) {
  const { size } = one.file;
  const range = from ? { "Content-Range": `bytes ${from}-${size - 1}/${size}` } : {};
  return request(one, range, from ? one.file.slice(from) : one.file, from);
}

/** One request: `{status, range, message}`; status 0 where there was no answer. XHR, as `fetch` tells no progress. */
function request(one, headers, body, from = 0) {
  const { place } = one;
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
        // Cloud Storage answers with text or nothing.
      }
      const range = call.status === 308 ? call.getResponseHeader("Range") : "";
      resolve({ status: call.status, range, message });
    };
    one.stop = () => call.abort();
    call.send(body);
  });
}

window.addEventListener("beforeunload", (event) => {
  if (list.some((one) => one.state === "going" || one.state === "waiting")) event.preventDefault();
});

window.addEventListener("pagehide", () => list.forEach(forget));

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
    const began = one.state === "going";
    one.state = "stopped";
    if (began) one.stop?.();
    else forget(one);
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
