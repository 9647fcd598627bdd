// Names of speakers: renamed in one place, they change everywhere, as a revision.
import { html, useState } from "../html.js";
import { announce, announceError } from "../announce.js";
import { Dialog } from "../dialog.js";
import { saveRevision } from "./correct.js";

/** The list of speakers, each with a button to rename it. */
export function Speakers({ words, onRename }) {
  const heard = new Map();
  words.first.forEach((first, paragraph) => {
    const speaker = words.speaker[first];
    if (speaker !== null && speaker !== undefined) {
      const seconds = (words.end[words.last(paragraph) - 1] - words.start[first]) / 1000;
      heard.set(speaker, (heard.get(speaker) || 0) + seconds);
    }
  });
  if (!heard.size) return null;
  const whole = [...heard.values()].reduce((sum, seconds) => sum + seconds, 0);
  return html`
    <section>
      <h2>Speakers</h2>
      <ul class="speakers">
        ${[...heard].map(
          ([speaker, seconds]) => html`
            <li>
              <span>${nameOf(words, speaker)}</span>
              <span class="quiet">${Math.round((100 * seconds) / whole)} %</span>
              <button class="link" aria-label=${`Rename ${nameOf(words, speaker)}`} onClick=${() => onRename(speaker)}>Rename</button>
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

const nameOf = (words, speaker) => words.speakers[speaker] || `Speaker ${speaker + 1}`;

/** Asks for the new name of a speaker. `done(saved)`. */
export function Rename({ id, words, speaker, done }) {
  const [name, setName] = useState(nameOf(words, speaker));
  const save = async (event) => {
    event.preventDefault();
    try {
      await saveRevision(id, { based_on: words.revision, speakers: { [speaker]: name.trim() } });
      announce(`The speaker is called ${name.trim()} everywhere now.`);
      done(true);
    } catch (error) {
      announceError(error);
      if (error.status === 409) done(true);
    }
  };
  return html`
    <${Dialog} title="Rename a speaker" onClose=${() => done(false)}>
      <form onSubmit=${save}>
        <div class="field">
          <label for="speaker-name">Name, in the whole recording</label>
          <input id="speaker-name" autofocus maxlength="200" required value=${name} onInput=${(event) => setName(event.target.value)} />
        </div>
        <footer>
          <button type="button" onClick=${() => done(false)}>Cancel</button>
          <button class="primary" disabled=${!name.trim()}>Rename</button>
        </footer>
      </form>
    <//>
  `;
}
