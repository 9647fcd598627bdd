// Charts, drawn by uPlot on a canvas. The table beside each says the same, so a screen reader skips the chart.
import { html, useEffect, useRef } from "../html.js";
import { colour, onColours } from "../colour.js";
import uPlot from "../vendor/uplot-1.6.32.js";
import { dollars } from "../format.js";

const HEIGHT = 220;
const DAY = 86400;
const MOST_GROUPS = 12;
const font = "12px system-ui, sans-serif";

function axis(more = {}) {
  const quiet = colour("--quiet");
  const line = colour("--line");
  return { stroke: quiet, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, ...more };
}

/** `make(width)` gives `[options, data]`; drawn anew when `key`, the width or the colours change. */
function Chart({ make, keyText }) {
  const place = useRef(null);
  useEffect(() => {
    const element = place.current;
    let plot = null;
    const draw = () => {
      plot?.destroy();
      const [options, data] = make(element.clientWidth);
      plot = new uPlot({ height: HEIGHT, legend: { show: false }, cursor: { show: false }, ...options }, data, element);
    };
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    const stopColours = onColours(draw);
    return () => {
      observer.disconnect();
      stopColours();
      plot?.destroy();
    };
  }, [keyText]);
  return html`<div class="chart" ref=${place} aria-hidden="true"></div>`;
}

const bars = (label) => ({
  label,
  paths: uPlot.paths.bars({ size: [0.7, 42], radius: 0.15 }),
  fill: colour("--accent"),
  stroke: colour("--accent"),
  points: { show: false },
});

/** Cost of each day. `days`: US dollars by ISO day; days between that cost nothing are drawn as nothing. */
export function DayChart({ days }) {
  const known = Object.keys(days).sort();
  if (!known.some((day) => days[day] > 0)) return null;
  const at = (day) => Date.parse(`${day}T00:00:00Z`) / 1000;
  const [first, last] = [at(known[0]), at(known.at(-1))];
  const times = Array.from({ length: Math.round((last - first) / DAY) + 1 }, (_, index) => first + index * DAY);
  const values = times.map((time) => days[new Date(time * 1000).toISOString().slice(0, 10)] || null);
  const make = (width) => [
    {
      width,
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "UTC"),
      scales: { x: { range: [first - DAY / 2, last + DAY / 2] }, y: { range: (_, __, most) => [0, most || 1] } },
      axes: [
        axis({ grid: { show: false }, incrs: [DAY, 2 * DAY, 7 * DAY, 30 * DAY], values: (_, all) => all.map((time) => new Date(time * 1000).toLocaleDateString([], { day: "numeric", month: "short", timeZone: "UTC" })) }),
        axis({ size: 70, values: (_, all) => all.map(dollars) }),
      ],
      series: [{}, bars("Cost")],
    },
    [times, values],
  ];
  return html`<${Chart} make=${make} keyText=${JSON.stringify(days)} />`;
}

/** Cost of each group, the dearest first. */
export function GroupChart({ groups }) {
  const shown = groups.slice(0, MOST_GROUPS);
  if (!shown.some((one) => one.usd > 0)) return null;
  const make = (width) => {
    const letters = Math.max(4, Math.floor((width - 80) / shown.length / 8));
    const short = (name) => (name.length > letters ? `${name.slice(0, letters - 1)}…` : name);
    return [
      {
        width,
        scales: { x: { time: false, range: [-0.5, shown.length - 0.5] }, y: { range: (_, __, most) => [0, most || 1] } },
        axes: [
          axis({ grid: { show: false }, splits: () => shown.map((_, index) => index), values: () => shown.map((one) => short(one.name)) }),
          axis({ size: 70, values: (_, all) => all.map(dollars) }),
        ],
        series: [{}, bars("Cost")],
      },
      [shown.map((_, index) => index), shown.map((one) => one.usd)],
    ];
  };
  return html`<${Chart} make=${make} keyText=${JSON.stringify(shown)} />`;
}
