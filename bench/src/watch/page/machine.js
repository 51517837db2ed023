// A design as places, one below the other, and requests as dots on their way through them.

// As the server numbers places.
const PLACES = ["backlog", "accept", "dispatch", "queue", "work", "wait", "write"];
const GONE = PLACES.length;
const COLOURS = { dispatch: "--soft", queue: "--threads", work: "--accent", wait: "--hybrid", write: "--tasks" };
const MOST_DOTS = 600;
// The room of a dot and its radius at the usual size of letters, px: they grow with it.
const GAP_PX = 13;
const RADIUS_PX = 4.5;
// A move is drawn in this time, ms, and an answer fades in that.
const MOVE_MS = 80;
const FADE_MS = 350;
const OLD_US = 1e6;

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Machine {
  constructor(stage) {
    this.list = stage.querySelector("ol");
    this.canvas = stage.querySelector("canvas");
    this.dots = new Map();
    this.slots = new Map();
    this.lanes = 0;
    this.counted = { backlog: 0, accept: 0 };
    this.skipped = 0;
    new ResizeObserver(() => this.measure()).observe(stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.measure());
  }

  /** Shows the places of a design, and forgets its requests. */
  build(stations) {
    this.list.replaceChildren(...stations.map((station) => {
      const item = document.createElement("li");
      item.dataset.place = station.place;
      const label = document.createElement("div");
      const part = (name, text) => {
        const it = document.createElement("span");
        it.className = name;
        it.textContent = text;
        return it;
      };
      label.append(part("name", station.name), part("count", ""), part("words", station.words));
      item.append(label, document.createElement("div"));
      return item;
    }));
    this.dots.clear();
    this.slots.clear();
    this.lanes = 0;
    this.measure();
  }

  measure() {
    const box = this.canvas.getBoundingClientRect();
    if (box.width === 0) return;
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(box.width * scale);
    this.canvas.height = Math.round(box.height * scale);
    this.context = this.canvas.getContext("2d");
    const large = parseFloat(getComputedStyle(document.body).fontSize) / 16;
    this.gap = GAP_PX * large;
    this.radius = RADIUS_PX * large;
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.colours = Object.fromEntries(Object.entries(COLOURS).map(([place, name]) => [place, colour(name)]));
    this.ink = colour("--ink");
    this.line = colour("--line");
    this.soft = colour("--soft");
    this.areas = {};
    this.outputs = {};
    for (const item of this.list.children) {
      const area = item.lastElementChild.getBoundingClientRect();
      const place = item.dataset.place;
      this.areas[place] = {
        x: area.left - box.left, y: area.top - box.top, width: area.width, height: area.height,
        perRow: Math.max(1, Math.floor(area.width / this.gap)),
      };
      this.outputs[place] = item.querySelector(".count");
    }
  }

  /** A request has come to a place, or is gone: `[us, request, place, lane]`. */
  apply([at, request, number, lane]) {
    const dot = this.dots.get(request);
    if (number === GONE) {
      if (dot) dot.path.push(null);
      return;
    }
    const place = PLACES[number];
    if (!this.areas?.[place]) return;
    if (lane !== undefined) this.lanes = Math.max(this.lanes, Math.min(lane + 1, 64));
    if (dot) {
      dot.path.push({ place, lane });
      return;
    }
    if (this.dots.size >= MOST_DOTS) { this.skipped += 1; return; }
    this.dots.set(request, { since: at, path: [{ place, lane }], place: null, x: 0, y: 0, moved: 0 });
  }

  slot(key) {
    const taken = this.slots.get(key) ?? new Set();
    this.slots.set(key, taken);
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    taken.add(slot);
    return slot;
  }

  /** The cell of a worker, where it is known who has a request. */
  cell(lane) {
    const area = this.areas.work;
    const columns = Math.min(this.lanes, Math.max(1, Math.floor(area.width / 44)));
    const rows = Math.ceil(this.lanes / columns);
    const width = area.width / columns;
    const height = area.height / rows;
    const at = Math.min(lane, this.lanes - 1);
    return { x: area.x + (at % columns) * width, y: area.y + Math.floor(at / columns) * height, width, height };
  }

  target(dot) {
    const inCell = dot.place === "work" && dot.lane !== undefined;
    const area = inCell ? this.cell(dot.lane) : this.areas[dot.place];
    const perRow = Math.max(1, Math.floor((area.width - (inCell ? 6 : 0)) / this.gap));
    const rows = Math.max(1, Math.floor(area.height / this.gap));
    const row = Math.floor(dot.slot / perRow);
    return {
      x: area.x + (inCell ? 3 : 0) + this.gap / 2 + (dot.slot % perRow) * this.gap,
      y: area.y + 2 + this.gap / 2 + Math.min(row, rows - 1) * this.gap,
    };
  }

  leave(dot) {
    if (dot.key !== undefined) this.slots.get(dot.key)?.delete(dot.slot);
  }

  /** The next part of a dot's way begins. */
  move(request, dot, now) {
    const next = dot.path.shift();
    this.leave(dot);
    if (next === null) {
      dot.key = undefined;
      dot.fades = now;
      return;
    }
    const from = dot.place === null ? null : { x: dot.x, y: dot.y };
    dot.place = next.place;
    dot.lane = next.lane;
    dot.key = next.place + (next.place === "work" && next.lane !== undefined ? next.lane : "");
    dot.slot = this.slot(dot.key);
    dot.from = from;
    dot.moved = now;
  }

  /** Draws everything as it is by now; `cursor` is the time that is shown, us. */
  draw(now, cursor) {
    if (!this.context) return;
    const { context: pen } = this;
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.lanes > 0 && this.areas.work) this.drawCells(pen);
    for (const place of ["backlog", "accept"]) this.drawCounted(pen, place);
    const counts = {};
    for (const [request, dot] of this.dots) {
      const isFree = dot.fades === undefined && now - dot.moved >= (still.matches ? 0 : MOVE_MS);
      // Who has fallen behind catches up: all but the last parts of its way are left out.
      while (dot.path.length > 3) dot.path.shift();
      if (isFree && dot.path.length > 0) this.move(request, dot, now);
      if (dot.fades !== undefined && now - dot.fades > FADE_MS) { this.dots.delete(request); continue; }
      if (dot.fades === undefined) counts[dot.place] = (counts[dot.place] ?? 0) + 1;
      this.drawDot(pen, dot, now, cursor);
    }
    for (const [place, output] of Object.entries(this.outputs)) {
      const count = this.counted[place] ?? counts[place] ?? 0;
      const text = count === 0 ? "" : String(count);
      if (output.textContent !== text) output.textContent = text;
    }
    this.counts = counts;
  }

  drawDot(pen, dot, now, cursor) {
    if (dot.fades === undefined) {
      const to = this.target(dot);
      const part = still.matches || !dot.from ? 1 : Math.min(1, (now - dot.moved) / MOVE_MS);
      const eased = part * part * (3 - 2 * part);
      dot.x = dot.from ? dot.from.x + (to.x - dot.from.x) * eased : to.x;
      dot.y = dot.from ? dot.from.y + (to.y - dot.from.y) * eased : to.y;
    }
    pen.globalAlpha = dot.fades === undefined ? 1 : Math.max(0, 1 - (now - dot.fades) / FADE_MS);
    pen.fillStyle = this.colours[dot.place];
    pen.beginPath();
    pen.arc(dot.x, dot.y, this.radius, 0, 2 * Math.PI);
    pen.fill();
    if (cursor !== null && cursor - dot.since > OLD_US) {
      pen.strokeStyle = this.ink;
      pen.lineWidth = 1.5;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  drawCells(pen) {
    pen.strokeStyle = this.line;
    pen.fillStyle = this.soft;
    pen.font = "10px system-ui, sans-serif";
    pen.lineWidth = 1;
    for (let lane = 0; lane < this.lanes; lane += 1) {
      const cell = this.cell(lane);
      pen.strokeRect(cell.x + 1, cell.y + 1, cell.width - 3, cell.height - 3);
      if (cell.height > 26) pen.fillText(String(lane + 1), cell.x + 4, cell.y + cell.height - 6);
    }
  }

  /** What is counted and has no names: a square each, as many as there is room for. */
  drawCounted(pen, place) {
    const area = this.areas[place];
    if (!area) return;
    const rows = Math.max(1, Math.floor(area.height / this.gap));
    const shown = Math.min(this.counted[place], area.perRow * rows);
    pen.strokeStyle = this.soft;
    pen.lineWidth = 1.5;
    for (let i = 0; i < shown; i += 1) {
      const x = area.x + (i % area.perRow) * this.gap + 2;
      const y = area.y + Math.floor(i / area.perRow) * this.gap + 2;
      pen.strokeRect(x, y, this.gap - 5, this.gap - 5);
    }
  }
}
