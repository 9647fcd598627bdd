// Corrections: a paragraph becomes a text field; saving it makes a revision. Who saves second sees both texts.
import { html, render, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { call, get } from "../api.js";
import { announce, announceError } from "../announce.js";
import { Dialog } from "../dialog.js";
import { position } from "../format.js";
import { editsOf } from "./edits.js";
import { Words } from "./words.js";

/** Stores a revision; gives its number. Raises ApiError, 409 if `body.based_on` is not the newest. */
export const saveRevision = (id, body) => call("POST", `/recordings/${id}/revisions`, { body });

/**
 * Opens the editor of a paragraph. `saved()` is called when there is a new revision, `conflict(mine)` if another user
 * was first: `mine` has `text`, its speaker, and the time that the paragraph covers.
 */
export function editParagraph({ id, words, view, paragraph, saved, conflict }) {
  const owner = view.elements[paragraph];
  const place = document.createElement("div");
  place.className = "editor";
  const close = () => {
    render(null, place);
    view.replaceText(owner, null);
    owner.querySelector(".edit").focus();
  };
  const first = words.first[paragraph];
  const end = words.last(paragraph);
  const save = async (text) => {
    const edits = editsOf(words.text.slice(first, end), first, text);
    if (!edits.length) {
      close();
      return;
    }
    try {
      await saveRevision(id, { based_on: words.revision, edits });
      close();
      announce("The correction is saved as a new revision.");
      saved();
    } catch (error) {
      if (error.status !== 409) throw error;
      conflict({ text, speaker: words.speaker[first], start: words.start[first], end: words.end[end - 1] + 1, theirs: error.body?.theirs });
      close();
    }
  };
  view.replaceText(owner, place);
  const start = position(words.start[first]);
  render(html`<${Editor} text=${words.paragraphs[paragraph]} start=${start} save=${save} close=${close} />`, place);
}

function Editor({ text, start, save, close }) {
  const [now, setNow] = useState(text);
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  // Before the next key can be pressed.
  useLayoutEffect(() => field.current.focus(), []);
  useEffect(() => {
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight + 4}px`;
  }, [now]);
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    try {
      await save(now);
    } catch (error) {
      announceError(error);
      setBusy(false);
    }
  };
  const key = (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter") submit(event);
  };
  return html`
    <form onSubmit=${submit}>
      <textarea
        ref=${field}
        aria-label=${`Text of the paragraph at ${start}`}
        aria-describedby="editor-hint"
        value=${now}
        onInput=${(event) => setNow(event.target.value)}
        onKeyDown=${key}
      ></textarea>
      <p>
        <button class="primary" disabled=${busy}>Save</button>
        <button type="button" onClick=${close}>Cancel</button>
        <small id="editor-hint">Enter saves, Escape cancels. New words share the time of those they replace.</small>
      </p>
    </form>
  `;
}

/** Both texts, when another user saved first. `mine`: of `conflict`; `done(reload)`. */
export function Conflict({ id, mine, done }) {
  const [theirs, setTheirs] = useState(null);
  useEffect(() => {
    get(`/recordings/${id}/words`).then((answer) => setTheirs(new Words(answer)), announceError);
  }, []);
  const [from, to] = theirs ? theirs.between(mine.start, mine.end, mine.speaker) : [0, 0];
  const text = theirs ? theirs.text.slice(from, to).join(" ") : "";
  const saveMine = async () => {
    const edits = editsOf(theirs.text.slice(from, to), from, mine.text);
    try {
      if (edits.length) await saveRevision(id, { based_on: theirs.revision, edits });
      announce("Your text is saved as a new revision.");
      done(true);
    } catch (error) {
      announceError(error);
    }
  };
  const author = mine.theirs?.author;
  return html`
    <${Dialog} title="Someone else saved first" onClose=${() => done(true)} wide>
      <p>${author || "Someone"} saved a revision while you were writing. Nothing of yours is lost: choose which text stays.</p>
      <div class="both">
        <section><h3>Theirs</h3><p class="text">${theirs ? text : "Loading …"}</p></section>
        <section><h3>Yours</h3><p class="text">${mine.text}</p></section>
      </div>
      <footer>
        <button onClick=${() => done(true)}>Keep theirs</button>
        <button class="primary" disabled=${!theirs || from === to} onClick=${saveMine}>Save mine instead</button>
      </footer>
    <//>
  `;
}
