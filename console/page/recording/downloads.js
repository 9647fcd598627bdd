// The output files of the revision that is shown, and the choice of the revision.
import { html } from "../html.js";
import { bytes, moment } from "../format.js";

export function Downloads({ found, formats, revision }) {
  if (!found.downloads.length) return null;
  const names = Object.fromEntries((formats || []).map((format) => [format.name, format.label]));
  const address = (url) => `${url}${url.includes("?") ? "&" : "?"}revision=${revision}`;
  return html`
    <section>
      <h2>Downloads</h2>
      <ul class="downloads">
        ${found.downloads.map(
          (one) => html`
            <li>
              <a href=${address(one.url)} download>${names[one.format] || one.format}</a>
              <span class="quiet">${bytes(one.bytes)}</span>
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

/** `shown`: the number of the revision that is shown; `onChoose(number or null)`: null is the newest. */
export function Revisions({ found, shown, onChoose }) {
  if (!found.revisions.length) return null;
  const newest = Math.max(...found.revisions.map((one) => one.number));
  const choose = (event) => {
    const number = Number(event.target.value);
    onChoose(number === newest ? null : number);
  };
  const now = found.revisions.find((one) => one.number === shown);
  return html`
    <section>
      <h2><label for="revision">Revision</label></h2>
      <select id="revision" value=${shown} onChange=${choose}>
        ${[...found.revisions].sort((a, b) => b.number - a.number).map(
          (one) => html`<option value=${one.number}>${one.number}${one.number === newest ? " (newest)" : ""}${one.author ? `, ${one.author}` : ""}</option>`,
        )}
        <option value="0">The engine's original</option>
      </select>
      ${now && html`<p class="small">${[moment(now.created), now.note].filter(Boolean).join(" · ")}</p>`}
      ${shown !== newest && html`<p class="small">An older text is shown. Choose the newest one to correct it.</p>`}
    </section>
  `;
}
