// One recording in the list, and the badge of its state.
import { html } from "../html.js";
import { dollars, hasEnded, length, moment, stateOf, when } from "../format.js";
import { Link } from "../router.js";

const KINDS = { DONE: "good", FAILED: "bad", CANCELLED: "off", DELETED: "off" };

/** State in words, with progress while chunks arrive. */
export function State({ row }) {
  const kind = row.held && !hasEnded(row) ? "held" : KINDS[row.state] || "busy";
  const going = row.state === "PLANNED" && row.chunks > 1;
  return html`
    <span class=${`state ${kind}`}>${stateOf(row)}</span>
    ${going &&
    html`
      <span class="chunks">
        <progress max=${row.chunks} value=${row.chunks_done} aria-label="Transcribed chunks"></progress>
        <span class="quiet">${row.chunks_done} of ${row.chunks}</span>
      </span>
    `}
  `;
}

/** A name whose folders stand back. */
export function Name({ name }) {
  const file = name.lastIndexOf("/") + 1;
  return html`${file > 0 && html`<span class="folder">${name.slice(0, file)}</span>`}${name.slice(file)}`;
}

export function Row({ row }) {
  const method = [row.method, row.language].filter(Boolean).join(" · ");
  const small = [length(row.seconds), row.method, row.usd ? dollars(row.usd) : "", when(row.created)].filter(Boolean);
  return html`
    <tr>
      <th scope="row">
        <${Link} class="name" href=${`/recordings/${encodeURIComponent(row.id)}`}><${Name} name=${row.name} /><//>
        ${row.label && html` <span class="label">${row.label}</span>`}
        ${row.warnings > 0 &&
        html` <span class="label warn">${row.warnings === 1 ? "1 warning" : `${row.warnings} warnings`}</span>`}
        ${row.reason && html`<span class="reason">${row.reason}</span>`}
        <span class="small narrow">${small.join(" · ")}</span>
      </th>
      <td><${State} row=${row} /></td>
      <td class="number wide">${length(row.seconds)}</td>
      <td class="wide">${method}</td>
      <td class="number wide">${dollars(row.usd)}</td>
      <td class="number wide"><time title=${moment(row.created)}>${when(row.created)}</time></td>
    </tr>
  `;
}
