// Components are functions that return html`…`. Values in it are set as text, never parsed as HTML.
import { h, render, Fragment, createRef } from "./vendor/preact-11.2.0.js";
import htm from "./vendor/htm-3.1.1.js";

export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact-hooks-11.2.0.js";
export { Fragment, createRef, h, render };
export const html = htm.bind(h);
