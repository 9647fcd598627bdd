// The player: play, position, speed, the waveform as a slider; it tells on each frame where the sound is.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { get } from "../api.js";
import { position, spokenPosition } from "../format.js";
import { drawWaveform } from "./waveform.js";

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 3];
const STEP_SECONDS = 5;
const PATIENCE_MS = 700;

/**
 * `audio`: a ref to the element. `source`: `{url, rendition, media_type, seconds}`. `onTime(ms)`: on each frame while it plays,
 * and after each seek. `turn`: changes when there are more peaks.
 */
export function Player({ audio, source, seconds, peaksPath, turn, onTime, onSeek, children }) {
  const [playing, setPlaying] = useState(false);
  const [shown, setShown] = useState(0);
  const [speed, setSpeed] = useState(1);
  const [error, setError] = useState("");
  const [waits, setWaits] = useState(false);
  const onTimeNow = useRef(onTime);
  onTimeNow.current = onTime;
  // Before the sound tells anything.
  useLayoutEffect(() => {
    const element = audio.current;
    const ready = () => setWaits(false);
    const late = setTimeout(() => setWaits(source.rendition && !element.readyState && !element.error), PATIENCE_MS);
    // A browser has six connections to a server for all its tabs: a hidden page keeps none of them waiting for sound.
    const looked = () => {
      if (document.hidden && source.rendition && !element.readyState && !element.error) unload(element);
      else if (!document.hidden && !element.hasAttribute("src")) element.src = source.url;
    };
    document.addEventListener("visibilitychange", looked);
    element.addEventListener("loadedmetadata", ready);
    element.addEventListener("error", ready);
    return () => {
      clearTimeout(late);
      ready();
      document.removeEventListener("visibilitychange", looked);
      element.removeEventListener("loadedmetadata", ready);
      element.removeEventListener("error", ready);
    };
  }, [source.url]);
  useLayoutEffect(() => {
    const element = audio.current;
    let frame = 0;
    const tell = () => {
      const now = element.currentTime;
      setShown(Math.floor(now));
      onTimeNow.current(now * 1000);
    };
    const loop = () => {
      tell();
      frame = requestAnimationFrame(loop);
    };
    const run = () => {
      cancelAnimationFrame(frame);
      loop();
      setPlaying(true);
    };
    const rest = () => {
      cancelAnimationFrame(frame);
      tell();
      setPlaying(false);
    };
    const wrong = () => setError("The sound cannot be played. The words stay readable; the file itself may be gone.");
    const heard = { play: run, pause: rest, ended: rest, seeked: tell, seeking: tell, error: wrong };
    for (const [name, act] of Object.entries(heard)) element.addEventListener(name, act);
    return () => {
      cancelAnimationFrame(frame);
      element.pause();
      for (const [name, act] of Object.entries(heard)) element.removeEventListener(name, act);
    };
  }, [source.url]);
  useLayoutEffect(() => {
    const element = audio.current;
    const changed = () => setSpeed(element.playbackRate);
    element.addEventListener("ratechange", changed);
    return () => {
      element.removeEventListener("ratechange", changed);
      unload(element);
    };
  }, []);
  const changeSpeed = (value) => {
    audio.current.playbackRate = value;
    setSpeed(value);
  };
  const toggle = () => (playing ? audio.current.pause() : audio.current.play().catch(() => {}));
  return html`
    <div class="player" role="group" aria-label="Player">
      <audio ref=${audio} src=${source.url} preload="metadata"></audio>
      <button class="play primary" aria-label=${playing ? "Pause" : "Play"} onClick=${toggle}>
        <span class=${playing ? "pausing" : "playing"} aria-hidden="true"></span>
      </button>
      <span class="clock"><b>${position(shown * 1000)}</b> / ${position(seconds * 1000)}</span>
      <${Waveform} audio=${audio} seconds=${seconds} peaksPath=${peaksPath} turn=${turn} shown=${shown} onSeek=${onSeek} />
      <select class="speed" aria-label="Speed" value=${speed} onChange=${(event) => changeSpeed(Number(event.target.value))}>
        ${SPEEDS.map((value) => html`<option value=${value}>${value}×</option>`)}
      </select>
      ${children}
      ${waits && html`<p class="note" role="status">The sound is being prepared, once. An hour of it takes about ten seconds.</p>`}
      ${error && html`<p class="bad" role="alert">${error}</p>`}
    </div>
  `;
}

/** Ends the requests of an element, which would go on until it is collected. */
function unload(element) {
  element.removeAttribute("src");
  element.load();
}

function Waveform({ audio, seconds, peaksPath, turn, shown, onSeek }) {
  const container = useRef(null);
  const drawn = useRef(null);
  useEffect(() => {
    if (!peaksPath) return undefined;
    const stop = new AbortController();
    get(peaksPath, {}, stop.signal).then(
      (answer) => {
        if (drawn.current) drawn.current.update(answer);
        else {
          const seek = (share) => onSeek(share * seconds * 1000);
          drawn.current = drawWaveform({ container: container.current, audio: audio.current, answer, seconds, onSeek: seek });
        }
      },
      // Without peaks there is no picture; the slider and the text work without it.
      () => {},
    );
    return () => stop.abort();
  }, [peaksPath, turn]);
  useEffect(() => () => drawn.current?.close(), []);
  const key = (event) => {
    const steps = { ArrowLeft: -STEP_SECONDS, ArrowDown: -STEP_SECONDS, ArrowRight: STEP_SECONDS, ArrowUp: STEP_SECONDS, PageDown: -60, PageUp: 60 };
    const to = { Home: 0, End: seconds }[event.key] ?? (event.key in steps ? audio.current.currentTime + steps[event.key] : null);
    if (to === null) return;
    event.preventDefault();
    onSeek(Math.max(0, Math.min(seconds, to)) * 1000);
  };
  return html`
    <div
      ref=${container}
      class="waveform"
      role="slider"
      tabindex="0"
      aria-label="Position"
      aria-valuemin="0"
      aria-valuemax=${Math.round(seconds)}
      aria-valuenow=${shown}
      aria-valuetext=${spokenPosition(shown * 1000)}
      onKeyDown=${key}
    ></div>
  `;
}
