// What an operator should look at: failed recordings, messages that could not be handled, unavailable workers.
import { html } from "../html.js";
import { post, useApi } from "../api.js";
import { announce, announceError } from "../announce.js";
import { confirm } from "../dialog.js";
import { useEvents } from "../events.js";
import { count, dollars, moment, when } from "../format.js";
import { Link, useTitle } from "../router.js";
import { Name } from "../recordings/row.js";

export default function Trouble() {
  const { value: found, error, reload } = useApi("/trouble");
  useEvents({ trouble: reload, again: reload });
  useTitle("Trouble");
  const act = async (run, said) => {
    try {
      await run();
      announce(said);
    } catch (problem) {
      announceError(problem);
    }
    reload();
  };
  const calm = found && !found.failed.length && !found.dead_letters.length && !found.workers.some((one) => one.reason);
  return html`
    <h1>Trouble</h1>
    ${error && html`<p class="notice bad" role="alert">${error.message}</p>`}
    ${calm && html`<div class="empty"><h2>All is well</h2><p>Nothing failed, and no message waits for you.</p></div>`}
    ${found?.failed.length > 0 && html`<${Failed} rows=${found.failed} act=${act} />`}
    ${found?.dead_letters.length > 0 && html`<${DeadLetters} letters=${found.dead_letters} act=${act} />`}
    ${found?.workers.length > 0 && html`<${Workers} workers=${found.workers} />`}
  `;
}

function Failed({ rows, act }) {
  const retryAll = async () => {
    const ids = rows.map((row) => row.id);
    try {
      const told = await post("/retries", { ids, dry_run: true });
      const yes = await confirm({
        title: `Try ${count(told.count, "recording")} again?`,
        text: `This is expected to cost ${dollars(told.expected_usd)}. Chunks that are finished are not paid for again.`,
        yes: "Try again",
      });
      if (yes) act(() => post("/retries", { ids: told.ids, dry_run: false }), `${count(told.count, "recording")} tried again.`);
    } catch (problem) {
      announceError(problem);
    }
  };
  const retry = (row) => act(() => post(`/recordings/${encodeURIComponent(row.id)}/retry`), `${row.name} is tried again.`);
  return html`
    <section>
      <div class="title">
        <h2>Failed recordings</h2>
        <button onClick=${retryAll}>Try all again …</button>
      </div>
      <table>
        <thead>
          <tr><th scope="col">Recording and reason</th><th scope="col" class="number wide">Failed</th><th scope="col"><span class="hidden">Actions</span></th></tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) => html`
              <tr key=${row.id}>
                <th scope="row">
                  <${Link} class="name" href=${`/recordings/${encodeURIComponent(row.id)}`}><${Name} name=${row.name} /><//>
                  <span class="reason">${row.reason}</span>
                </th>
                <td class="number wide"><time title=${moment(row.finished)}>${when(row.finished)}</time></td>
                <td class="number"><button aria-label=${`Try ${row.name} again`} onClick=${() => retry(row)}>Try again</button></td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </section>
  `;
}

function DeadLetters({ letters, act }) {
  const path = (one) => `/dead-letters/${encodeURIComponent(one.id)}`;
  const replay = (one) => act(() => post(`${path(one)}/replay`), "The message is sent again.");
  const discard = async (one) => {
    const asked = {
      title: "Discard this message?",
      text: "What it requested will not happen. This cannot be undone.",
      yes: "Discard",
      danger: true,
    };
    if (await confirm(asked)) act(() => post(`${path(one)}/discard`), "The message is discarded.");
  };
  return html`
    <section>
      <h2>Dead letters</h2>
      <p class="quiet">Messages that could not be handled, however often they were delivered.</p>
      <table>
        <thead>
          <tr><th scope="col">Message and reason</th><th scope="col" class="number wide">Sent</th><th scope="col"><span class="hidden">Actions</span></th></tr>
        </thead>
        <tbody>
          ${letters.map(
            (one) => html`
              <tr key=${one.id}>
                <th scope="row">
                  ${one.topic}
                  <span class="reason">${one.reason}</span>
                  ${one.why_not && html`<span class="small">It cannot be sent again: ${one.why_not}</span>`}
                  ${one.replayed && html`<span class="small">Sent again ${moment(one.replayed)}.</span>`}
                  ${one.data_preview && html`<code class="preview">${one.data_preview}</code>`}
                </th>
                <td class="number wide"><time title=${moment(one.published)}>${when(one.published)}</time></td>
                <td class="number">
                  <div class="buttons">
                    <button disabled=${Boolean(one.why_not)} aria-label=${`Send message ${one.id} again`} onClick=${() => replay(one)}>Send again</button>
                    <button class="danger" aria-label=${`Discard message ${one.id}`} onClick=${() => discard(one)}>Discard</button>
                  </div>
                </td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </section>
  `;
}

function Workers({ workers }) {
  return html`
    <section>
      <h2>Workers</h2>
      <table>
        <thead><tr><th scope="col">Pool</th><th scope="col">State</th></tr></thead>
        <tbody>
          ${workers.map(
            (one) => html`
              <tr key=${one.pool}>
                <th scope="row">${one.pool}</th>
                <td>
                  <span class=${`state ${one.reason ? "bad" : "good"}`}>${one.status}</span>
                  ${one.reason && html`<span class="reason">${one.reason}</span>`}
                </td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </section>
  `;
}
