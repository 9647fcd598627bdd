// Cancel, retry and delete a recording, each with its consequence said before.
import { html } from "../html.js";
import { post, remove } from "../api.js";
import { announce, announceError } from "../announce.js";
import { confirm } from "../dialog.js";
import { hasEnded } from "../format.js";
import { go } from "../router.js";

export function Actions({ found, onChanged }) {
  const path = `/recordings/${encodeURIComponent(found.id)}`;
  const act = async (asked, run, said) => {
    if (!(await confirm(asked))) return;
    try {
      await run();
      announce(said);
      onChanged();
    } catch (error) {
      announceError(error);
    }
  };
  const cancel = () =>
    act(
      {
        title: "Cancel this recording?",
        text: "Chunks that no engine has started are not transcribed. Chunks in progress are still paid for.",
        yes: "Cancel the recording",
        danger: true,
      },
      () => post(`${path}/cancel`),
      "The recording is cancelled.",
    );
  const retry = () =>
    act(
      {
        title: "Try this recording again?",
        text: "It continues where it failed. Chunks that are finished are not paid for again.",
        yes: "Try again",
      },
      () => post(`${path}/retry`),
      "The recording is tried again.",
    );
  const forget = () =>
    act(
      {
        title: "Delete this recording for good?",
        text: `Everything stored about ${found.name} is deleted: transcript, revisions, results and its words in the search. This cannot be undone.`,
        yes: "Delete for good",
        danger: true,
      },
      async () => {
        await remove(path);
        if (location.pathname === path) go("/");
      },
      "The recording is deleted.",
    );
  return html`
    <div class="actions">
      ${!hasEnded(found) && html`<button onClick=${cancel}>Cancel</button>`}
      ${found.state === "FAILED" && html`<button class="primary" onClick=${retry}>Try again</button>`}
      ${hasEnded(found) && found.state !== "DELETED" && html`<button class="danger" onClick=${forget}>Delete …</button>`}
    </div>
  `;
}
