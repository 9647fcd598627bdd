// What the router weighed, as `dropscribe route` shows it.
import { html } from "../html.js";
import { dollars, length } from "../format.js";

/** `table`: a row for each method, with `why_not` empty for the one that was chosen. */
export function Considered({ table }) {
  return html`
    <details>
      <summary>Options considered</summary>
      <table class="considered">
        <thead>
          <tr>
            <th scope="col">Method</th><th scope="col" class="number">Cost</th><th scope="col" class="number">Done in</th>
            <th scope="col">Why not</th>
          </tr>
        </thead>
        <tbody>
          ${table.map(
            (one) => html`
              <tr>
                <th scope="row">${one.method}</th>
                <td class="number">${dollars(one.usd)}</td>
                <td class="number">${length(one.wait)}</td>
                <td>${one.why_not || "chosen"}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </details>
  `;
}
