// Style sheets of views that are not the first one.

/** Loads `css/NAME.css`, once; resolves when it applies, so that nothing is shown without it. */
export function needStyles(path) {
  const href = `/page/${path}`;
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((resolve) => {
    link.onload = resolve;
    link.onerror = resolve;
    document.head.append(link);
  });
}
