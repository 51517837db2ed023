"use strict";
window.__errors = [];
addEventListener("error", (event) => window.__errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => window.__errors.push(String(event.reason)));
document.documentElement.classList.add("scripted");

const data = JSON.parse(document.getElementById("data").textContent);

// Tables: click a head to sort, type to filter. Cells whose text is not their value carry it in data-value; those without one go last.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0];
  const raw = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  table.querySelectorAll("thead th button").forEach((button, column) => {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      // The first click puts the best first: the most requests, the shortest time.
      const [first, second] = head.dataset.best === "high" ? ["descending", "ascending"] : ["ascending", "descending"];
      const descending = (head.getAttribute("aria-sort") === first ? second : first) === "descending";
      table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const numeric = head.dataset.kind === "number";
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [raw(a, column), raw(b, column)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = numeric ? Number(x) - Number(y) : x.localeCompare(y);
        return descending ? -order : order;
      });
      body.append(...rows);
    });
  });
  const filter = document.querySelector(`input[data-filter="${table.id}"]`);
  const count = document.querySelector(`output[data-count="${table.id}"]`);
  filter?.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    if (count) count.textContent = `${shown} of ${body.rows.length} rows`;
  });
}

// A link to an entry opens it.
function unfold() {
  const entry = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  entry?.querySelectorAll("details").forEach((part) => { part.open = true; });
}
addEventListener("hashchange", unfold);
unfold();

// Figures: one contestant stands out while the pointer rests on it; the scale can be switched.
for (const chart of document.querySelectorAll(".chart")) {
  const parts = chart.querySelectorAll("[data-label]");
  const show = (label) => parts.forEach((part) => part.classList.toggle("faded", label !== null && part.dataset.label !== label));
  parts.forEach((part) => {
    part.addEventListener("pointerenter", () => show(part.dataset.label));
    part.addEventListener("pointerleave", () => show(null));
  });
  const button = chart.querySelector("button[data-scale]");
  button?.addEventListener("click", () => {
    const [first, second] = chart.querySelectorAll("[data-variant]");
    [first.hidden, second.hidden] = [second.hidden, first.hidden];
    button.setAttribute("aria-pressed", String(first.hidden));
  });
}

// Time series of one cell, drawn when it is asked for.
const chooser = document.getElementById("series-cell");
const canvas = document.getElementById("series");
const words = document.getElementById("series-words");
function rate(value) { return value >= 1e4 ? (value / 1e3).toPrecision(3) + " k" : String(Math.round(value)); }
function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
function time(ns) { return ns >= 1e9 ? (ns / 1e9).toPrecision(3) + " s" : ns >= 1e6 ? (ns / 1e6).toPrecision(3) + " ms" : (ns / 1e3).toPrecision(3) + " µs"; }
function draw() {
  const cell = data.cells[Number(chooser.value)];
  const ratio = devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const [left, right, top, bottom] = [64, canvas.clientWidth - 64, 12, canvas.clientHeight - 24];
  pen.font = "12px system-ui, sans-serif";
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  const points = cell ? cell.series : [];
  const soft = colour("--soft");
  pen.strokeStyle = colour("--line");
  pen.strokeRect(left, top, right - left, bottom - top);
  if (!points.length) {
    pen.fillStyle = soft; pen.fillText("no series was recorded for this cell", left + 12, top + 24);
    words.textContent = "No series was recorded for this cell.";
    return;
  }
  const last = points[points.length - 1][0];
  const rates = Math.max(...points.map((point) => point[1]), 1);
  const times = Math.max(...points.map((point) => point[2] ?? 0), 1);
  words.textContent = `${cell.name}: up to ${rate(rates)}/s; 99th percentile of an interval up to ${time(times)}.`;
  const x = (at) => left + (at / last) * (right - left);
  const line = (ink, value, most) => {
    pen.strokeStyle = ink; pen.lineWidth = 1.8; pen.beginPath();
    points.forEach((point) => { const v = value(point); if (v !== null) pen.lineTo(x(point[0]), bottom - (v / most) * (bottom - top)); });
    pen.stroke();
  };
  pen.strokeStyle = colour("--line"); pen.beginPath(); pen.moveTo(left, (top + bottom) / 2); pen.lineTo(right, (top + bottom) / 2); pen.stroke();
  line(colour("--readiness"), (point) => point[1], rates);
  line(colour("--threads"), (point) => point[2], times);
  pen.fillStyle = colour("--readiness");
  pen.textAlign = "right";
  [[rate(rates), top + 8], [rate(rates / 2), (top + bottom) / 2 + 4], ["0", bottom]].forEach(([text, y]) => pen.fillText(text, left - 6, y));
  pen.fillStyle = colour("--threads");
  pen.textAlign = "left";
  [[time(times), top + 8], [time(times / 2), (top + bottom) / 2 + 4], ["0", bottom]].forEach(([text, y]) => pen.fillText(text, right + 6, y));
  pen.fillStyle = soft;
  pen.textAlign = "center"; pen.fillText("0", left, bottom + 16); pen.fillText(time(last * 1e6), right, bottom + 16);
}
if (chooser && canvas) {
  const groups = new Map();
  data.cells.forEach((cell, place) => {
    if (!groups.has(cell.of)) {
      const group = document.createElement("optgroup");
      group.label = cell.of;
      groups.set(cell.of, group);
      chooser.append(group);
    }
    groups.get(cell.of).append(new Option(cell.name, String(place)));
  });
  chooser.value = String(data.first);
  chooser.addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", draw);
  draw();
}
document.documentElement.dataset.ready = "1";
