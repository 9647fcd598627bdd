// Budgets: how much of each is spent.
import { html } from "../html.js";
import { dollars } from "../format.js";

const NEAR = 0.8;

export function Budgets({ budgets }) {
  if (!budgets.length) return null;
  return html`
    <section>
      <h2>Budgets</h2>
      <ul class="budgets">
        ${budgets.map((one) => {
          const name = one.period === "day" ? "Today" : "This month";
          const said = `${dollars(one.spent_usd)} of ${dollars(one.limit_usd)}`;
          return html`
            <li>
              <span>${name}</span>
              <meter
                class=${one.spent_usd >= one.limit_usd ? "used-up" : ""}
                aria-label=${`Budget: ${name.toLowerCase()}`}
                min="0"
                max=${one.limit_usd}
                high=${one.limit_usd * NEAR}
                optimum="0"
                value=${Math.min(one.spent_usd, one.limit_usd)}
              >${said}</meter>
              <span class="number">${said}${one.spent_usd >= one.limit_usd ? ". It is used up." : ""}</span>
            </li>
          `;
        })}
      </ul>
    </section>
  `;
}
