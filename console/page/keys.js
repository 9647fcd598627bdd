// Keys for everything. A component declares its keys while it is shown; `?` lists those that work now.
import { html, useLayoutEffect, useRef, useState } from "./html.js";
import { Dialog } from "./dialog.js";

const STORED = "dropscribe-keys";
const WAIT_MS = 1200;
const sets = new Set();
let prefix = "";
let prefixUntil = 0;

/** Whether keys without a modifier do anything. Who dictates switches them off in the list of keys. */
export const keysAreOn = () => localStorage.getItem(STORED) !== "off";

/**
 * Declares keys while the component is shown.
 * `title`: the heading in the list. `keys`: `[["g r", "Go to recordings", run], …]`; two keys one after the other
 * stand with a space between.
 */
export function useKeys(title, keys) {
  const newest = useRef({ title, keys });
  newest.current = { title, keys };
  // Before the next key can be pressed.
  useLayoutEffect(() => {
    sets.add(newest);
    return () => sets.delete(newest);
  }, []);
}

const NAMED = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

function isTyping(event) {
  const element = event.target;
  if (!(element instanceof HTMLElement)) return false;
  if (element.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=range])")) return true;
  // These answer to the keys themselves.
  if (event.key === " ") return element.matches("button, a, summary, input");
  return event.key.startsWith("Arrow") && element.matches("input[type=range], audio");
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isTyping(event) || document.querySelector("dialog[open]") || !keysAreOn()) return;
  const name = `${event.shiftKey && event.key.length > 1 ? "Shift+" : ""}${NAMED[event.key] || event.key}`;
  const full = prefix && Date.now() < prefixUntil ? `${prefix} ${name}` : name;
  prefix = "";
  // The last set is the one of the innermost component: it wins.
  const all = [...sets].reverse().flatMap((set) => set.current.keys);
  const found = all.find(([keys]) => keys === full);
  if (found) {
    event.preventDefault();
    found[2](event);
  } else if (all.some(([keys]) => keys.startsWith(`${name} `))) {
    prefix = name;
    prefixUntil = Date.now() + WAIT_MS;
  }
}
document.addEventListener("keydown", pressed);

/** The list of keys, as a dialog. */
export function KeyList({ onClose }) {
  const [on, setOn] = useState(keysAreOn());
  const change = (event) => {
    localStorage.setItem(STORED, event.target.checked ? "on" : "off");
    setOn(event.target.checked);
  };
  return html`
    <${Dialog} title="Keys" onClose=${onClose} wide>
      <div class="key-list">
        ${[...sets].map(
          (set) => html`
            <section>
              <h3>${set.current.title}</h3>
              <dl>
                ${set.current.keys.map(
                  ([keys, what]) => html`
                    <div>
                      <dt>${keys.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</dt>
                      <dd>${what}</dd>
                    </div>
                  `,
                )}
              </dl>
            </section>
          `,
        )}
      </div>
      <label class="check"><input type="checkbox" checked=${on} onChange=${change} /> Use these keys</label>
    <//>
  `;
}
