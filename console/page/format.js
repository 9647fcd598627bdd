// Numbers, times and sizes as people read them.

const pad = (number) => String(number).padStart(2, "0");

/** Position in a recording: `1:02:03`, with tenths if wanted. `ms`: milliseconds. */
export function position(ms, tenths = false) {
  const seconds = Math.max(0, ms) / 1000;
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = tenths ? `.${Math.floor((seconds - whole) * 10)}` : "";
  return `${hours ? `${hours}:${pad(minutes)}` : minutes}:${pad(whole % 60)}${rest}`;
}

/** The same for screen readers: "1 hour 2 minutes 3 seconds". */
export function spokenPosition(ms) {
  const whole = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(whole / 3600), "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole % 60, "second"],
  ];
  const said = parts.filter(([number]) => number).map(([number, unit]) => `${number} ${unit}${number === 1 ? "" : "s"}`);
  return said.join(" ") || "0 seconds";
}

/** Length: `1 h 12 min`, `4 min 3 s`, `41 s`. */
export function length(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.round(seconds);
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
  if (whole >= 60) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return seconds && seconds < 10 ? `${seconds.toFixed(1)} s` : `${whole} s`;
}

/** US dollars with as many digits as say something; a small sum is never shown as nothing. */
export function dollars(usd) {
  if (usd === null || usd === undefined) return "";
  if (usd === 0) return "$0";
  const size = Math.abs(usd);
  const most = size >= 1 ? 2 : size >= 0.0001 ? 4 : 6;
  return `${usd < 0 ? "−" : ""}$${size.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: most })}`;
}

/** Size of a file in units of 1,000 bytes. */
export function bytes(size) {
  if (size === null || size === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A date as short as it can be: the time for today, else the day. `seconds`: since 1970. */
export function when(seconds) {
  if (!seconds) return "";
  const date = new Date(seconds * 1000);
  const now = new Date();
  if (date.toDateString() === now.toDateString()) {
    return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString([], { day: "numeric", month: "short", year });
}

/** The full date and time. */
export function moment(seconds) {
  return seconds ? new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" }) : "";
}

/** "1 file", "3 files". */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

const STATES = {
  ACCEPTED: "Accepted",
  PLANNED: "Transcribing",
  DONE: "Done",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
  DELETED: "Deleted",
};

/** State of a row in words: "Held" and "Merging" are said too. */
export function stateOf(row) {
  if (row.held && row.state === "PLANNED") return "Held";
  return STATES[row.state] || row.state;
}

/** Whether nothing will change any more unless a person acts. */
export const hasEnded = (row) => ["DONE", "FAILED", "CANCELLED", "DELETED"].includes(row.state);
