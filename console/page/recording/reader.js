// The player and the text, which move together; beside them what can be taken, and why the recording cost that.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { useAbout } from "../api.js";
import { announce, announceError } from "../announce.js";
import { position } from "../format.js";
import { useKeys } from "../keys.js";
import { go, momentLink, momentOf } from "../router.js";
import { Conflict, editParagraph } from "./correct.js";
import { Downloads, Revisions } from "./downloads.js";
import { Find } from "./find.js";
import { Follow } from "./follow.js";
import { Player, SPEEDS } from "./player.js";
import { Rename, Speakers } from "./speakers.js";
import { Transcript } from "./transcript.js";
import { Uncertain } from "./uncertain.js";
import { Why } from "./why.js";

/** How long a word stays lit after its end, if no other begins. */
const LIT_MS = 300;
const wide = matchMedia("(min-width: 62rem)");

/** What stands beside the text, and is folded up above it where there is no room. */
function Beside({ children }) {
  const [isWide, setWide] = useState(wide.matches);
  useEffect(() => {
    const changed = () => setWide(wide.matches);
    wide.addEventListener("change", changed);
    return () => wide.removeEventListener("change", changed);
  }, []);
  return html`
    <aside aria-label="About this recording">
      ${isWide ? children : html`<details><summary>Downloads, speakers, and why this engine</summary>${children}</details>`}
    </aside>
  `;
}

/**
 * `words`: what is there, null while it is loaded; `turn` changes with each chunk. `revision`: the one that was chosen,
 * null for the newest. `onSaved()`: there is a new revision.
 */
export function Reader({ found, words, turn, hash, revision, onRevision, onSaved }) {
  const about = useAbout();
  const audio = useRef(null);
  const root = useRef(null);
  const bar = useRef(null);
  const view = useRef(null);
  const follow = useRef(null);
  const spoken = useRef(-1);
  const [follows, setFollows] = useState(true);
  const [renaming, setRenaming] = useState(null);
  const [conflict, setConflict] = useState(null);
  const [ready, setReady] = useState(null);
  const newest = useRef({});
  // In a narrow window only the player stays on top.
  const covered = () => bar.current?.offsetHeight || bar.current?.firstElementChild?.offsetHeight || 0;

  const onTime = (ms) => {
    const now = newest.current.words;
    if (!now || !view.current) return;
    let word = now.at(ms);
    if (word >= 0 && ms > now.end[word] + LIT_MS) word = -1;
    if (word === spoken.current) return;
    spoken.current = word;
    view.current.light(word);
    if (word >= 0 && !audio.current?.paused) follow.current.keepInView(view.current.rangeOfWord(word), covered());
  };
  const seek = (ms) => {
    follow.current.set(true);
    if (audio.current) audio.current.currentTime = ms / 1000;
    // While the file is not loaded, nothing tells where it is.
    onTime(ms);
  };
  const goTo = (word) => {
    follow.current.set(false);
    view.current.select(words.paragraphOf(word));
    view.current.highlights.one("hit-now", view.current.rangeOfWord(word));
    follow.current.bring(view.current.rangeOfWord(word), covered());
  };
  const edit = (paragraph) =>
    editParagraph({ id: found.id, words: newest.current.words, view: view.current, paragraph, saved: onSaved, conflict: setConflict });
  newest.current = { words, seek, edit };

  useLayoutEffect(() => {
    follow.current = new Follow(setFollows);
    view.current = new Transcript(root.current, {
      seek: (ms) => newest.current.seek(ms),
      edit: (paragraph) => newest.current.edit(paragraph),
      rename: setRenaming,
    });
    return () => {
      view.current.close();
      follow.current.close();
    };
  }, []);
  useLayoutEffect(() => {
    if (!words) return;
    const wasLit = spoken.current >= 0;
    spoken.current = -1;
    // Somebody who writes keeps the field; the new text is there when it is closed.
    view.current.show(words, { canEdit: words.complete && found.state === "DONE" && revision === null });
    if (wasLit && audio.current) onTime(audio.current.currentTime * 1000);
    setReady(words);
  }, [words, found.state]);
  const wanted = momentOf(hash);
  useEffect(() => {
    if (wanted === null || !ready) return;
    seek(wanted);
    const word = Math.max(0, ready.at(wanted));
    if (ready.count) {
      spoken.current = word;
      view.current.light(word);
      follow.current.bring(view.current.rangeOfWord(word), covered());
    }
  }, [wanted, Boolean(ready)]);

  const here = () => (spoken.current >= 0 ? spoken.current : words?.first[view.current.current] ?? 0);
  const skip = (seconds) => audio.current && seek(Math.max(0, audio.current.currentTime + seconds) * 1000);
  const pace = (by) => {
    if (!audio.current) return;
    const place = SPEEDS.indexOf(audio.current.playbackRate);
    audio.current.playbackRate = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, place + by))];
  };
  const copy = async () => {
    const ms = Math.round((audio.current?.currentTime || 0) * 1000);
    const to = momentLink(found.id, ms);
    go(to, { replace: true });
    try {
      await navigator.clipboard.writeText(new URL(to, location.href).href);
      announce(`The link to ${position(ms)} is copied.`);
    } catch {
      announce(`The address bar links to ${position(ms)} now.`);
    }
  };
  useKeys("This recording", [
    ["Space", "Play or pause", () => audio.current && (audio.current.paused ? audio.current.play().catch(announceError) : audio.current.pause())],
    ["←", "5 seconds back", () => skip(-5)],
    ["→", "5 seconds on", () => skip(5)],
    ["<", "Slower", () => pace(-1)],
    [">", "Faster", () => pace(1)],
    ["f", "Follow the sound, or not", () => follow.current.set(!follow.current.on)],
    ["j", "Next paragraph", () => view.current.step(1)],
    ["k", "Previous paragraph", () => view.current.step(-1)],
    ["e", "Correct this paragraph", () => revision === null && words?.complete && words.count > 0 && edit(view.current.current)],
    ["/", "Search in this recording", () => document.getElementById("find").focus()],
    ["l", "Copy a link to this moment", copy],
  ]);

  const closeConflict = (reload) => {
    setConflict(null);
    if (reload) onSaved();
  };
  const closeRename = (saved) => {
    setRenaming(null);
    if (saved) onSaved();
  };
  const backToSound = () => {
    follow.current.set(true);
    if (spoken.current >= 0) follow.current.bring(view.current.rangeOfWord(spoken.current), covered());
  };
  return html`
    ${!found.audio && found.state !== "DELETED" && html`<p class="quiet">There is no sound to play: the file is gone, or browsers do not play its format.</p>`}
    <div class="sticky" ref=${bar}>
      ${found.audio &&
      html`
        <${Player}
          audio=${audio}
          source=${found.audio}
          seconds=${found.audio.seconds || found.seconds || 0}
          peaksPath=${`/recordings/${encodeURIComponent(found.id)}/peaks`}
          turn=${words?.complete ? "complete" : turn}
          onTime=${onTime}
          onSeek=${seek}
        >
          <button class="link" onClick=${copy}>Copy link</button>
        <//>
      `}
      ${ready &&
      html`
        <div class="tools">
          <${Find} words=${ready} view=${() => view.current} bring=${(paragraph, from, to) => {
            follow.current.set(false);
            follow.current.bring(view.current.range(paragraph, from, to), covered());
          }} />
          <${Uncertain} words=${ready} view=${() => view.current} goTo=${goTo} here=${here} />
          ${!follows && found.audio && html`<button class="back" onClick=${backToSound}>Follow the sound</button>`}
        </div>
      `}
    </div>
    <div class="columns">
      <${Beside}>
        ${words && html`<${Downloads} found=${found} formats=${about?.formats} revision=${words.revision} />`}
        ${words && html`<${Speakers} words=${words} onRename=${setRenaming} />`}
        ${words && html`<${Revisions} found=${found} shown=${words.revision} onChoose=${onRevision} />`}
        <${Why} found=${found} />
      <//>
      <article aria-label="Transcript">
        <div ref=${root} class="transcript"></div>
        ${words && words.complete && words.count === 0 && html`<p class="empty">No speech in this recording.</p>`}
        ${words && !words.complete && !words.count && !words.gaps.length && html`<p class="gap">Words appear here as they are transcribed.</p>`}
      </article>
    </div>
    ${renaming !== null && html`<${Rename} id=${found.id} words=${words} speaker=${renaming} done=${closeRename} />`}
    ${conflict && html`<${Conflict} id=${found.id} mine=${conflict} done=${closeConflict} />`}
  `;
}
