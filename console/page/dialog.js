// Modal dialogs on the browser's own <dialog>: it keeps the focus inside, and Escape closes it.
import { html, render, useLayoutEffect, useRef } from "./html.js";

/** A dialog that is open while it is rendered. `onClose` is called by Escape and by its close button. */
export function Dialog({ title, onClose, children, wide = false }) {
  const element = useRef(null);
  // Before the next key can be pressed.
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog.showModal();
    (dialog.querySelector("[autofocus]") || dialog.querySelector("h2")).focus();
    // The browser gives the focus back to where it was.
    return () => dialog.close();
  }, []);
  const cancelled = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`
    <dialog ref=${element} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onCancel=${cancelled}>
      <header>
        <h2 id="dialog-title" tabindex="-1">${title}</h2>
        <button class="icon" aria-label="Close" onClick=${onClose}>×</button>
      </header>
      ${children}
    </dialog>
  `;
}

/** Asks before something that cannot be undone. Resolves to true or false. */
export function confirm({ title, text, yes, danger = false }) {
  const place = document.createElement("div");
  document.body.append(place);
  return new Promise((resolve) => {
    const close = (answer) => {
      render(null, place);
      place.remove();
      resolve(answer);
    };
    render(
      html`
        <${Dialog} title=${title} onClose=${() => close(false)}>
          <p>${text}</p>
          <footer>
            <button onClick=${() => close(false)}>Back</button>
            <button class=${danger ? "danger" : "primary"} onClick=${() => close(true)}>${yes}</button>
          </footer>
        <//>
      `,
      place,
    );
  });
}
