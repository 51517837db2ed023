// The figures of a design, and their last minute as lines.

const POINTS = 600;

const time = (ns) => {
  if (ns === null || ns === undefined) return "–";
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (ns >= size) {
      const value = ns / size;
      return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ${unit}`;
    }
  }
  return `${Math.round(ns)} ns`;
};

const whole = (value) => (value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en"));
const bytes = (value) => (value === null || value === undefined ? "–" : `${(value / 2 ** 20).toFixed(1)} MiB`);

const BIG = [
  ["answers/s", ({ news }) => whole(news.rate_per_s)],
  ["median", ({ news }) => time(news.p50_ns)],
  ["99 %", ({ news }) => time(news.p99_ns)],
];
const MORE = [
  ["90 %", ({ news }) => time(news.p90_ns)],
  ["99.9 %", ({ news }) => time(news.p999_ns)],
  ["failed/s", ({ news }) => whole(news.failed_per_s)],
  ["sent/s", ({ news }) => whole(news.sent_per_s)],
  ["under way", ({ news }) => whole(news.under_way)],
  ["generator's lag", ({ news }) => time(news.lag_mean_ns)],
  ["CPU, cores", ({ gauges }) => gauges.cpu_cores?.toFixed(2) ?? "–"],
  ["switches/s", ({ gauges }) => (gauges.switches_per_s ? whole(gauges.switches_per_s[0] + gauges.switches_per_s[1]) : "–")],
  ["of them forced", ({ gauges }) => (gauges.switches_per_s ? whole(gauges.switches_per_s[1]) : "–")],
  ["memory", ({ gauges }) => bytes(gauges.memory_bytes)],
  ["processes", ({ gauges }) => whole(gauges.processes)],
  ["threads", ({ gauges }) => whole(gauges.threads)],
];

export class Figures {
  constructor(section) {
    this.section = section;
    this.points = [];
    this.cells = [];
    const fill = (list, rows) => list.replaceChildren(...rows.map(([name, of]) => {
      const [box, term, value] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      term.textContent = name;
      value.textContent = "–";
      this.cells.push([value, of]);
      box.append(term, value);
      return box;
    }));
    fill(section.querySelector(".big"), BIG);
    fill(section.querySelector(".more"), MORE);
    this.lamp = section.querySelector(".lamp");
    this.spark = section.querySelector(".spark");
    this.most = section.querySelector(".spark-legend");
    this.seen = { at: [], share: null };
  }

  /** Takes the news of a tenth of a second in. */
  take(told) {
    for (const [cell, of] of this.cells) {
      const text = of(told);
      if (cell.textContent !== text) cell.textContent = text;
    }
    const { news } = told;
    this.lamp.dataset.verdict = news.verdict ?? "none";
    const words = news.words || "no load yet";
    if (this.lamp.textContent !== words) this.lamp.textContent = words;
    this.points.push([news.rate_per_s, news.p99_ns]);
    if (this.points.length > POINTS) this.points.shift();
    this.told = told;
    this.takeShare(told);
    this.draw();
  }

  /** Which share of the requests of the last seconds was seen as dots. */
  takeShare({ seen, news }) {
    const { at } = this.seen;
    at.push([seen, news.completed]);
    if (at.length > 30) at.shift();
    const answered = news.completed - at[0][1];
    this.seen.share = answered > 0 ? Math.min(1, (seen - at[0][0]) / answered) : null;
  }

  reset() { this.points = []; this.seen.at = []; }

  draw() {
    const box = this.spark.getBoundingClientRect();
    if (box.width === 0) return;
    const scale = devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    if (this.spark.width !== width || this.spark.height !== height) [this.spark.width, this.spark.height] = [width, height];
    const pen = this.spark.getContext("2d");
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(document.documentElement);
    const tops = [0, 1].map((row) => Math.max(1, ...this.points.map((point) => point[row] ?? 0)));
    ["--readiness", "--processes"].forEach((colour, row) => {
      pen.strokeStyle = style.getPropertyValue(colour);
      pen.lineWidth = 2 * scale;
      pen.setLineDash(row === 0 ? [] : [6 * scale, 3 * scale]);
      pen.beginPath();
      let down = false;
      this.points.forEach((point, i) => {
        if (point[row] === null || point[row] === undefined) { down = false; return; }
        const x = ((POINTS - this.points.length + i) / (POINTS - 1)) * width;
        const y = height - 2 * scale - (point[row] / tops[row]) * (height - 6 * scale);
        if (down) pen.lineTo(x, y); else pen.moveTo(x, y);
        down = true;
      });
      pen.stroke();
    });
    const [rate, p99] = this.most.children;
    rate.textContent = `— answers/s, up to ${whole(tops[0])}`;
    p99.textContent = `- - 99 %, up to ${time(tops[1])}`;
  }

  /** In a sentence, for who hears the page. */
  words(name) {
    if (!this.told) return "";
    const { news } = this.told;
    return `${name}: ${whole(news.rate_per_s)} answers a second, median ${time(news.p50_ns)}, 99th percentile ${time(news.p99_ns)}, ${news.words}.`;
  }
}
