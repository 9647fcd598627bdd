// Calls of /api/v1. A failure is an Error whose message is a sentence that says what to do.
import { useEffect, useState } from "./html.js";

const BASE = "/api/v1";

/** An answer that is no success: `status`, `code`, `message` and the whole `body`. */
export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error?.message || sentence(status));
    this.status = status;
    this.code = body?.error?.code || "";
    this.body = body;
  }
}

function sentence(status) {
  if (status === 401 || status === 403) {
    return "This browser has no access, or is no longer signed in. Reload the page; on one machine open the address that Dropscribe printed, which contains the token.";
  }
  if (status === 0) {
    return "Dropscribe does not respond. Check that it is running, then try again.";
  }
  return `Dropscribe answered with status ${status}. Try again; the log of Dropscribe says more.`;
}

/** The address of `path` with a query of all values that are not empty. */
export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(given).toString();
  return `${BASE}${path}${text && `?${text}`}`;
}

/** The JSON of an answer. `body` is sent as JSON. Raises ApiError. */
export async function call(method, path, { query, body, signal } = {}) {
  let answer, text;
  try {
    answer = await fetch(address(path, query), {
      method,
      signal,
      // Asks the server whether what it knows is still true, so that an ETag saves the bytes.
      cache: "no-cache",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0);
  }
  let value = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    if (answer.ok) throw new ApiError(answer.status);
  }
  if (!answer.ok) throw new ApiError(answer.status, value);
  return value;
}

export const get = (path, query, signal) => call("GET", path, { query, signal });
export const post = (path, body = {}) => call("POST", path, { body });
export const remove = (path) => call("DELETE", path);

/** What GET of `path` gives: `{value, error, reload}`; asked again when path or query change. */
export function useApi(path, query = {}) {
  const [state, setState] = useState({ value: null, error: null });
  const [turn, setTurn] = useState(0);
  const key = path && address(path, query);
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    get(path, query, stop.signal).then(
      (value) => setState({ value, error: null }),
      (error) => error.name === "AbortError" || setState((old) => ({ ...old, error })),
    );
    return () => stop.abort();
  }, [key, turn]);
  return { ...state, setValue: (value) => setState({ value, error: null }), reload: () => setTurn((old) => old + 1) };
}

let about;

/** What this deployment is and can do; asked once. */
export function useAbout() {
  const [value, setValue] = useState(null);
  useEffect(() => {
    about = about || get("/about");
    about.then(setValue, () => (about = undefined));
  }, []);
  return value;
}
