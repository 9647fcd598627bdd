// Components are functions that return html`…`. Values in it are set as text, never parsed as HTML.
import { h, render, Fragment, createRef } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact-hooks.js";
export { Fragment, createRef, h, render };
export const html = htm.bind(h);
