// How long a chosen file is, as far as the browser can read it: a quote with a length is exact.
const WAIT_MS = 4000;

/** Seconds of `file`; null where the browser does not know the format. */
export function mediaSeconds(file) {
  if (!file.size) return Promise.resolve(null);
  return new Promise((resolve) => {
    const audio = document.createElement("audio");
    const source = URL.createObjectURL(file);
    const end = (seconds) => {
      clearTimeout(timer);
      audio.removeAttribute("src");
      // Ends its requests: what it asks for later would be refused, which the browser logs as an error.
      audio.load();
      URL.revokeObjectURL(source);
      resolve(Number.isFinite(seconds) && seconds > 0 ? seconds : null);
    };
    const timer = setTimeout(() => end(null), WAIT_MS);
    audio.preload = "metadata";
    audio.addEventListener("loadedmetadata", () => end(audio.duration), { once: true });
    audio.addEventListener("error", () => end(null), { once: true });
    audio.src = source;
  });
}
