// Why this engine, and what each attempt cost.
import { html } from "../html.js";
import { dollars, length, moment } from "../format.js";
import { Considered } from "../recordings/considered.js";

export function Why({ found }) {
  const wasted = found.attempts.filter((one) => one.wasted).reduce((sum, one) => sum + one.usd, 0);
  return html`
    <section>
      <h2>Why this engine</h2>
      ${found.why ? html`<p class="why">${found.why}</p>` : html`<p class="quiet">The router has not chosen yet.</p>`}
      ${found.considered?.length > 0 && html`<${Considered} table=${found.considered} />`}
    </section>
    <section>
      <h2>Attempts</h2>
      ${found.attempts.length === 0
        ? html`<p class="quiet">None yet.</p>`
        : html`
            <p class="small">
              ${dollars(found.usd)} in all${wasted > 0 ? `, ${dollars(wasted)} of it for what was not used` : ""}.
            </p>
            <div class="scroll" tabindex="0" role="region" aria-label="Attempts">
              <table class="attempts">
                <thead>
                  <tr>
                    <th scope="col" class="number">Part</th><th scope="col">Engine</th>
                    <th scope="col" class="number">Took</th><th scope="col" class="number">Cost</th>
                    <th scope="col">Outcome</th>
                  </tr>
                </thead>
                <tbody>
                  ${found.attempts.map(
                    (one) => html`
                      <tr class=${one.wasted ? "wasted" : ""} title=${moment(one.started)}>
                        <td class="number">${one.chunk === null ? "" : one.chunk + 1}</td>
                        <th scope="row">${one.engine}</th>
                        <td class="number">${length(one.seconds)}</td>
                        <td class="number">${dollars(one.usd)}</td>
                        <td>${[one.outcome, one.note, one.wasted && one.outcome === "heard" && "not used"].filter(Boolean).join(": ")}</td>
                      </tr>
                    `,
                  )}
                </tbody>
              </table>
            </div>
          `}
    </section>
  `;
}
