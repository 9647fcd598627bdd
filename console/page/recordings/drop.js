// Files that are dropped anywhere or chosen: a dialog says who would transcribe them, and for how much, then uploads.
import { html, useEffect, useRef, useState } from "../html.js";
import { post, useAbout } from "../api.js";
import { Dialog } from "../dialog.js";
import { bytes, count, dollars, length } from "../format.js";
import { Considered } from "./considered.js";
import { Options, defaultsOf } from "./options.js";
import { mediaSeconds } from "./media_length.js";
import { upload } from "./uploads.js";

const WAIT_MS = 300;

const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");

/** `files`: chosen ones; `onFiles(files)` is called with dropped ones, and with [] when the dialog is closed. */
export function Drop({ files, onFiles }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const listen = {
      dragenter: (event) => {
        if (!hasFiles(event)) return;
        depth += 1;
        setOver(true);
      },
      dragleave: (event) => {
        if (!hasFiles(event)) return;
        depth -= 1;
        if (depth <= 0) setOver(false);
      },
      dragover: (event) => hasFiles(event) && event.preventDefault(),
      drop: (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth = 0;
        setOver(false);
        if (event.dataTransfer.files.length) onFiles([...event.dataTransfer.files]);
      },
    };
    for (const [name, run] of Object.entries(listen)) window.addEventListener(name, run);
    return () => Object.entries(listen).forEach(([name, run]) => window.removeEventListener(name, run));
  }, []);
  return html`
    ${over && html`<div class="dropping" aria-hidden="true"><p>Drop to transcribe</p></div>`}
    ${files.length > 0 && html`<${Ask} files=${files} onClose=${() => onFiles([])} />`}
  `;
}

/** A quote for each file, asked again when the options change. */
function useQuotes(files, options) {
  const [quotes, setQuotes] = useState([]);
  const lengths = useRef(null);
  const key = JSON.stringify(options);
  useEffect(() => {
    let stopped = false;
    lengths.current = lengths.current || files.map(mediaSeconds);
    const timer = setTimeout(() => {
      files.forEach(async (file, index) => {
        const seconds = await lengths.current[index];
        const asked = { name: file.name, size: file.size, seconds, options };
        const quote = await post("/quotes", asked).catch((error) => ({ error: error.message }));
        if (!stopped) setQuotes((old) => Object.assign([...old], { [index]: { ...quote, seconds } }));
      });
    }, WAIT_MS);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [key]);
  return quotes;
}

function price(quote) {
  if (!quote || quote.error || quote.usd_high === null || quote.usd_high === undefined) return "";
  return quote.usd_low === quote.usd_high
    ? dollars(quote.usd_high)
    : `${dollars(quote.usd_low)} to ${dollars(quote.usd_high)}`;
}

function Ask({ files, onClose }) {
  const about = useAbout();
  const [options, setOptions] = useState({});
  const chosen = { ...defaultsOf(about?.options), ...options };
  const given = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== null && value !== ""));
  const quotes = useQuotes(files, given);
  const tooLarge = (file) => about?.largest_upload && file.size > about.largest_upload;
  const refused = (file) =>
    file.size === 0 ? "This file is empty." : tooLarge(file) ? `More than ${bytes(about.largest_upload)}, the most that can be uploaded here.` : "";
  const good = files.filter((file) => !refused(file));
  const start = (event) => {
    event.preventDefault();
    good.forEach((file) => upload(file, given));
    onClose();
  };
  const known = quotes.filter(
    (quote, index) => quote && !refused(files[index]) && !quote.error && Number.isFinite(quote.usd_high),
  );
  const low = known.reduce((sum, quote) => sum + quote.usd_low, 0);
  const high = known.reduce((sum, quote) => sum + quote.usd_high, 0);
  return html`
    <${Dialog} title=${`Transcribe ${count(files.length, "file")}`} onClose=${onClose} wide>
      <form onSubmit=${start}>
        ${about?.options && html`<${Options} schema=${about.options} value=${chosen} onChange=${setOptions} />`}
        <div class="scroll" tabindex="0" role="region" aria-label="Files and quotes">
          <table class="quotes">
            <thead>
              <tr><th scope="col">File</th><th scope="col">Engine</th><th scope="col" class="number">Cost</th></tr>
            </thead>
            <tbody aria-live="off">
              ${files.map((file, index) => html`<${Quoted} file=${file} quote=${quotes[index]} refused=${refused(file)} />`)}
            </tbody>
            ${files.length > 1 && known.length > 0 &&
            html`
              <tfoot>
                <tr><th scope="row" colspan="2">Total</th><td class="number">${price({ usd_low: low, usd_high: high })}</td></tr>
              </tfoot>
            `}
          </table>
        </div>
        ${about && !about.can_upload && html`<p class="notice bad">Nothing can be uploaded here. Put the files into ${about.inbox}.</p>`}
        <footer>
          <button type="button" onClick=${onClose}>Cancel</button>
          <button class="primary" disabled=${!good.length || (about && !about.can_upload)}>Upload ${count(good.length, "file")}</button>
        </footer>
      </form>
    <//>
  `;
}

function Quoted({ file, quote, refused }) {
  const said = refused || quote?.error || quote?.sentence;
  return html`
    <tr>
      <th scope="row">
        <span class="file">${file.name}</span>
        <span class="small">${[bytes(file.size), length(quote?.seconds)].filter(Boolean).join(" · ")}</span>
      </th>
      <td class=${refused || quote?.error ? "bad" : ""}>
        ${said || html`<span class="quiet">Asking …</span>`}
        ${!refused && quote?.table?.length > 0 && html`<${Considered} table=${quote.table} />`}
      </td>
      <td class="number">${refused ? "" : price(quote)}</td>
    </tr>
  `;
}
