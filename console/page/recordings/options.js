// The options of a recording as a form, made from the JSON schema that the server gives.
import { html } from "../html.js";

/** What people read of the options that are known; others have the description of the schema. */
const KNOWN = {
  method: ["Method", "Automatic leaves it to the router, which says why."],
  model: ["Model", "Weights of Parakeet by name. Empty: those of this installation."],
  language: ["Language", "A code such as en or pt-BR. Empty: the engine finds out."],
  track: ["Audio track", "Of a file with several, counted from 0."],
  keyterms: ["Names and terms", "To listen for, separated by commas."],
  filler_words: ["Keep filler words", "Write down uh and um."],
  diarize: ["Tell speakers apart", "Says who speaks, as Speaker 1, Speaker 2 and so on."],
  min_speakers: ["Minimum speakers", "If you know. Empty: as many as are heard."],
  max_speakers: ["Maximum speakers", "If you know. If equal to the minimum, exactly that many."],
  channels: ["Stereo channels", "If each side is one person, as in many recorded calls."],
  speaker_names: ["Names of speakers", "In the order in which they first speak, separated by commas."],
  caption_width: ["Caption width", "Characters per line. Empty: 42."],
  caption_lines: ["Caption lines", "At most. Empty: 2."],
  caption_speed: ["Reading speed", "Characters per second; sets how long captions stay on screen. Empty: 17."],
  label: ["Label", "A team or a customer, to group the costs by."],
};
/** Names of choices that have no title in the schema. */
const CHOICES = { auto: "Automatic", mix: "Mixed", apart: "One speaker each" };
const FIRST = ["method", "language", "label", "keyterms", "diarize", "filler_words"];

/** The schema of a value that may be null, without the null. */
function plain(schema) {
  const found = (schema.anyOf || []).find((one) => one.type !== "null");
  return found ? { ...schema, ...found } : schema;
}

/** The default of each option. */
export function defaultsOf(schema) {
  return Object.fromEntries(
    Object.entries(schema?.properties || {}).map(([name, one]) => [name, one.default ?? null]),
  );
}

/** `value`: all options by name; `onChange(value)`. */
export function Options({ schema, value, onChange }) {
  const all = Object.keys(schema.properties || {});
  const first = FIRST.filter((name) => all.includes(name));
  const rest = all.filter((name) => !FIRST.includes(name));
  const field = (name) => html`
    <${Field}
      key=${name}
      name=${name}
      schema=${plain(schema.properties[name])}
      value=${value[name]}
      onChange=${(changed) => onChange({ ...value, [name]: changed })}
    />
  `;
  return html`
    <fieldset class="options">
      <legend>Options for all of these files</legend>
      <div class="fields">${first.map(field)}</div>
      ${rest.length > 0 && html`<details><summary>More options</summary><div class="fields">${rest.map(field)}</div></details>`}
    </fieldset>
  `;
}

function Field({ name, schema, value, onChange }) {
  const id = `option-${name}`;
  const [title, about] = KNOWN[name] || [name, schema.description];
  const text = schema["x-engines"] ? `${about} Works with ${schema["x-engines"]}.` : about;
  const hint = text && html`<small id=${`${id}-hint`}>${text}</small>`;
  const said = text ? `${id}-hint` : undefined;
  if (schema.type === "boolean") {
    return html`
      <div class="field">
        <label class="check">
          <input type="checkbox" aria-describedby=${said} checked=${Boolean(value)} onChange=${(event) => onChange(event.target.checked)} />
          ${title}
        </label>
        ${hint}
      </div>
    `;
  }
  if (schema.enum) {
    const titles = Object.fromEntries((schema.oneOf || []).map((one) => [one.const, one.title]));
    return html`
      <div class="field">
        <label for=${id}>${title}</label>
        <select id=${id} aria-describedby=${said} value=${value ?? ""} onChange=${(event) => onChange(event.target.value)}>
          ${schema.enum.map((one) => html`<option value=${one}>${titles[one] || CHOICES[one] || one}</option>`)}
        </select>
        ${hint}
      </div>
    `;
  }
  if (!["string", "integer"].includes(schema.type)) return null;
  const isNumber = schema.type === "integer";
  const read = (text) => (isNumber ? (text === "" ? null : Number(text)) : text);
  return html`
    <div class="field">
      <label for=${id}>${title}</label>
      <input
        id=${id}
        type=${isNumber ? "number" : "text"}
        min=${schema.minimum}
        max=${schema.maximum}
        maxlength=${schema.maxLength}
        aria-describedby=${said}
        value=${value ?? ""}
        onInput=${(event) => onChange(read(event.target.value))}
      />
      ${hint}
    </div>
  `;
}
