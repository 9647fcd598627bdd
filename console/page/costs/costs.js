// What transcribing has cost: the sums of `dropscribe cost`, with a chart, and the same numbers as a table beside it.
import { html } from "../html.js";
import { address, useApi } from "../api.js";
import { useEvents } from "../events.js";
import { dollars } from "../format.js";
import { go, useTitle } from "../router.js";
import { needStyles } from "../styles.js";
import { Budgets } from "./budgets.js";
import { DayChart, GroupChart } from "./chart.js";

await Promise.all([needStyles("css/costs.css"), needStyles("vendor/uplot-1.6.32.css")]);

const BY = [
  ["method", "Methods"],
  ["label", "Labels"],
  ["day", "Days"],
  ["month", "Months"],
];
const MISSING = "–";

const rounded = (value, unit = "") => (value === null || value === undefined ? MISSING : `${value.toLocaleString("en", { maximumFractionDigits: 2 })}${unit}`);
const money = (value) => (value === null || value === undefined ? MISSING : dollars(value));

export default function Costs({ query }) {
  const asked = { since: query.get("since") || "", until: query.get("until") || "", by: query.get("by") || "method" };
  const { value: found, error, reload } = useApi("/costs", asked);
  useEvents({ costs: reload, again: reload });
  useTitle("Costs");
  const set = (change) => {
    const given = Object.entries({ ...asked, ...change }).filter(([, value]) => value);
    go(`/costs?${new URLSearchParams(given)}`, { replace: true });
  };
  return html`
    <div class="title">
      <h1>Costs</h1>
      <a class="button" href=${address("/costs.csv", asked)} download>Download CSV</a>
    </div>
    <form class="filters" aria-label="Which costs" onSubmit=${(event) => event.preventDefault()}>
      <label>From <input type="date" value=${asked.since || found?.since || ""} onChange=${(event) => set({ since: event.target.value })} /></label>
      <label>to <input type="date" value=${asked.until || found?.until || ""} onChange=${(event) => set({ until: event.target.value })} /></label>
      <label>
        by
        <select value=${asked.by} onChange=${(event) => set({ by: event.target.value })}>
          ${BY.map(([value, name]) => html`<option value=${value}>${name}</option>`)}
        </select>
      </label>
    </form>
    ${error && html`<p class="notice bad" role="alert">${error.message}</p>`}
    ${found && html`<${Report} found=${found} />`}
  `;
}

function Report({ found }) {
  const facts = [
    ["Cost", money(found.usd), `${rounded(found.audio_hours)} h of audio in ${rounded(found.recordings)} recordings`],
    ["Per hour of audio", money(found.usd_per_audio_hour), `${money(found.usd_per_recording)} a recording`],
    ["Wasted", money(found.wasted_usd), `idle: ${money(found.idle_usd)}`],
    [`${found.reference.name} would charge`, money(found[found.reference.column]), `${money(found.saved_usd)} saved`],
    [
      "Expected this month",
      money(found.forecast_usd),
      found.forecast_usd === null ? found.advice_withheld || "only for a report until today" : `from ${found.forecast_from_days} days`,
    ],
  ];
  return html`
    <dl class="tiles">
      ${facts.map(([name, value, more]) => html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`)}
    </dl>
    <${Budgets} budgets=${found.budgets} />
    ${found.advice.length > 0 &&
    html`
      <section>
        <h2>What to change</h2>
        <ul class="advice">
          ${found.advice.map((one) => html`<li>${one.text} <span class="quiet">${dollars(one.usd_per_month)} a month</span></li>`)}
        </ul>
      </section>
    `}
    <section class="beside">
      <h2>Day by day</h2>
      <${DayChart} days=${found.days} />
      <${DayTable} days=${found.days} />
    </section>
    <section class="beside">
      <h2>By ${found.by}</h2>
      <${GroupChart} groups=${found.groups} />
      <${GroupTable} found=${found} />
    </section>
    <p class="small">Prices of ${found.prices}. ${money(found.ever_usd)} since the beginning.</p>
  `;
}

function DayTable({ days }) {
  const all = Object.entries(days).reverse();
  if (!all.length) return html`<p class="empty">No costs in this period.</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Cost of each day">
      <table>
        <thead><tr><th scope="col">Day</th><th scope="col" class="number">Cost</th></tr></thead>
        <tbody>${all.map(([day, usd]) => html`<tr><th scope="row">${day}</th><td class="number">${dollars(usd)}</td></tr>`)}</tbody>
      </table>
    </div>
  `;
}

function GroupTable({ found }) {
  if (!found.groups.length) return html`<p class="empty">No groups in this period.</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Cost of each group">
      <table>
        <thead>
          <tr>
            <th scope="col">${found.by}</th><th scope="col" class="number">Cost</th><th scope="col" class="number">Hours</th>
            <th scope="col" class="number">Recordings</th><th scope="col" class="number">Wasted</th><th scope="col" class="number">${found.reference.name}</th>
          </tr>
        </thead>
        <tbody>
          ${found.groups.map(
            (one) => html`
              <tr>
                <th scope="row">${one.name}</th>
                <td class="number">${money(one.usd)}</td>
                <td class="number">${rounded(one.audio_hours)}</td>
                <td class="number">${rounded(one.recordings)}</td>
                <td class="number">${money(one.wasted_usd)}</td>
                <td class="number">${money(one[found.reference.column])}</td>
              </tr>
            `,
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Total</th>
            <td class="number">${money(found.usd)}</td>
            <td class="number">${rounded(found.audio_hours)}</td>
            <td class="number">${rounded(found.recordings)}</td>
            <td class="number">${money(found.wasted_usd)}</td>
            <td class="number">${money(found[found.reference.column])}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  `;
}
