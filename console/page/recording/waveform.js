// The waveform: wavesurfer.js draws the server's peaks; the sound itself is an <audio> element that it only watches.
import { colour, onColours } from "../colour.js";
import WaveSurfer from "../vendor/wavesurfer-8.0.1.js";

/** The peaks of an answer as numbers from 0 to 1: a list, or base64 of bytes. */
export function peaksOf(answer) {
  const bytes =
    typeof answer.peaks === "string"
      ? Uint8Array.from(atob(answer.peaks), (character) => character.charCodeAt(0))
      : answer.peaks;
  return Float32Array.from(bytes, (value) => value / 255);
}

const colours = () => ({
  waveColor: colour("--wave"),
  progressColor: colour("--accent"),
  cursorColor: colour("--text"),
});

/** Draws into `container`; returns `{update(answer), close()}`. `seconds`: length of the recording. */
export function drawWaveform({ container, audio, answer, seconds, onSeek }) {
  const wave = WaveSurfer.create({
    container,
    media: audio,
    peaks: [peaksOf(answer)],
    duration: seconds,
    height: 56,
    barWidth: 2,
    barGap: 1,
    barRadius: 2,
    cursorWidth: 2,
    interact: false,
    dragToSeek: false,
    cspNonce: document.getElementById("styles").nonce,
    ...colours(),
  });
  // It draws itself at 0, and moves when the sound does: at rest, at the moment of a link, that is not before it is played.
  wave.on("ready", () => audio.dispatchEvent(new Event("timeupdate")));
  const stopColours = onColours(() => wave.setOptions(colours()));
  const seek = (event) => {
    const box = container.getBoundingClientRect();
    onSeek(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
  };
  const down = (event) => {
    if (event.button) return;
    container.setPointerCapture(event.pointerId);
    seek(event);
    container.addEventListener("pointermove", seek);
  };
  const up = () => container.removeEventListener("pointermove", seek);
  container.addEventListener("pointerdown", down);
  container.addEventListener("pointerup", up);
  container.addEventListener("pointercancel", up);
  return {
    update: (newer) => wave.load(audio.currentSrc || audio.src, [peaksOf(newer)], seconds),
    close: () => {
      stopColours();
      container.removeEventListener("pointerdown", down);
      up();
      wave.destroy();
    },
  };
}
