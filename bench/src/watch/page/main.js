// The page: puts what is told into its places, and passes on what is wanted.

import facts from "./facts.js";
import { hasToken, listen, order, self } from "./feed.js";
import { Controls } from "./controls.js";
import { Figures } from "./figures.js";
import { Machine } from "./machine.js";
import { Playback } from "./playback.js";

const at = (id) => document.getElementById(id);
const playback = new Playback();
let sides = [];
let state = null;
let scene = null;

const notice = (words) => {
  at("notice").textContent = words;
  at("notice").hidden = words === "";
};

const send = async (what, takes = false) => notice(await order(what, takes));
const controls = new Controls(at("controls"), send);

const SIDE = `<h2></h2><p class="dead" hidden></p><p class="lamp"></p><dl class="big"></dl>
<div class="stage"><ol class="machine"></ol><canvas aria-hidden="true"></canvas></div><p class="key"></p>
<canvas class="spark" role="img" aria-label="answers a second and 99th percentile of the last minute"></canvas>
<p class="spark-legend"><span class="rate"></span><span class="p99"></span></p><dl class="more"></dl>
<figure class="wire" hidden><figcaption></figcaption><pre tabindex="0"></pre></figure>`;

/** Makes a place for each design, and keeps those that stay what they are. */
function build(shown) {
  const wanted = shown.map((side) => JSON.stringify([side.name, side.stations]));
  if (wanted.length === sides.length && wanted.every((key, i) => key === sides[i].key)) return;
  playback.reset(shown.length);
  sides = shown.map((side, i) => {
    const section = document.createElement("section");
    section.className = "side";
    section.innerHTML = SIDE;
    section.setAttribute("aria-label", side.name);
    return { key: wanted[i], section, figures: new Figures(section), machine: new Machine(section.querySelector(".stage")) };
  });
  at("sides").replaceChildren(...sides.map(({ section }) => section));
  shown.forEach((side, i) => sides[i].machine.build(side.stations));
}

function showSide(side, { section }) {
  const heading = section.querySelector("h2");
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.style.color = `var(--${side.family})`;
  const idea = document.createElement("small");
  idea.textContent = ` ${side.idea}`;
  heading.replaceChildren(mark, side.name, idea);
  const dead = section.querySelector(".dead");
  const words = {
    serves: side.load_words ? `There is no load: ${side.load_words}` : "",
    died: `The server has ended (${side.health.words}). R starts it again.`,
    failed: `The server could not be started: ${side.health.words}`,
  }[side.health.is];
  dead.textContent = words;
  dead.hidden = words === "";
}

function showScene() {
  const playing = state?.scene ?? null;
  const shown = playing === null ? null : facts.scenes[playing];
  if (scene !== playing) {
    at("scene-act").textContent = "";
    for (const figure of document.querySelectorAll(".wire")) figure.hidden = true;
  }
  scene = playing;
  at("caption").hidden = shown === null;
  at("scene-title").textContent = shown ? `${playing + 1}. ${shown.title}` : "";
  at("scene-words").textContent = shown?.caption ?? "";
  at("scene-look").textContent = shown?.look ?? "";
  at("scene-list").querySelectorAll("button").forEach((button, i) => button.setAttribute("aria-pressed", String(i === playing)));
}

listen({
  state(told) {
    state = told;
    build(told.sides);
    told.sides.forEach((side, i) => showSide(side, sides[i]));
    controls.show(told.settings);
    showScene();
  },
  news(told) {
    told.sides.forEach((side, i) => {
      if (!sides[i]) return;
      sides[i].figures.take(side);
      sides[i].machine.counted = { backlog: side.news.backlog, accept: side.gauges.accept_queue ?? 0 };
      const { share } = sides[i].figures.seen;
      const blind = side.blind ? `nothing can be seen: ${side.blind}` : state?.sides[i]?.seen_by ?? "";
      const part = share === null ? "" : `; of the requests answered, ${(share * 100).toFixed(share < 0.1 ? 1 : 0)} % were seen`;
      const key = sides[i].section.querySelector(".key");
      if (key.textContent !== blind + part) key.textContent = blind + part;
    });
  },
  steps(told) { playback.record(told.side, told.steps, told.now_us); },
  act(told) { at("scene-act").textContent = `Just now: ${told.words}`; },
  wire({ side, wire }) {
    const figure = sides[side]?.section.querySelector(".wire");
    if (!figure) return;
    figure.hidden = false;
    figure.querySelector("figcaption").textContent =
      `The wire, as somebody between sees it: GET /json, ${wire.octets[0]} octets there and ${wire.octets[1]} back`;
    figure.querySelector("pre").textContent = [...wire.sent.map((line) => `→ ${line}`), ...wire.received.map((line) => `← ${line}`)].join("\n");
  },
  refused(told) { notice(told.words); },
  dropped(told) { notice(`This browser was too slow: ${told.messages} messages were left out.`); },
  control({ controller }) {
    const ours = controller === null || controller === self();
    at("take").hidden = ours;
    at("link").textContent = ours ? "live" : "live; somebody else has the control";
  },
}, (how, words) => {
  at("link").textContent = words || how;
  if (how === "lost") document.body.dataset.link = "lost"; else delete document.body.dataset.link;
});

if (!hasToken) notice("This address lacks its token: open the one that dyno watch prints.");

// What is drawn: as often as the screen wants it.
function frame(now) {
  playback.advance((side, step) => sides[side]?.machine.apply(step));
  for (const { machine } of sides) machine.draw(now, playback.cursor);
  at("clock").textContent = playback.words();
  frames += 1;
  requestAnimationFrame(frame);
}
let frames = 0;
requestAnimationFrame(frame);
setInterval(() => { document.body.dataset.fps = String(frames); frames = 0; }, 1000);
setInterval(() => {
  at("summary").textContent = sides.map(({ figures, section }) => figures.words(section.getAttribute("aria-label"))).join(" ");
}, 10000);

function pause(paused) {
  playback.setPaused(paused);
  at("pause").setAttribute("aria-pressed", String(paused));
}

function speed(value) {
  at("speed").value = String(value);
  playback.setSpeed(Number(value));
  pause(false);
}

function slower() {
  const all = [...at("speed").options].map((option) => option.value);
  speed(all[Math.min(all.indexOf(at("speed").value) + 1, all.length - 1)]);
}

function stepOnce() {
  pause(true);
  if (!playback.step((side, step) => sides[side]?.machine.apply(step))) notice("Nothing more was recorded yet.");
}

function teach(on = !document.body.classList.contains("teach")) {
  document.body.classList.toggle("teach", on);
  at("teach").setAttribute("aria-pressed", String(on));
  if (on && (state?.scene ?? null) === null && state) send({ scene: 0 });
}

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => notice("This browser does not fill the screen for a page."));
}

function play(number) {
  if (number >= 0 && number < facts.scenes.length) send({ scene: number });
}

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "q", "w"];
const ACTS = {
  " ": () => pause(!playback.paused),
  ".": stepOnce,
  s: slower,
  l: () => speed(1),
  b: () => send("burst"),
  r: () => send("restart"),
  t: () => teach(),
  f: full,
  n: () => play((state?.scene ?? -1) + 1),
  p: () => play((state?.scene ?? 1) - 1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea")) return;
  if (event.key === " " && event.target.closest?.("button")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const number = KEYS.indexOf(key);
  const act = number >= 0 ? () => play(number) : ACTS[key];
  if (!act) return;
  event.preventDefault();
  act();
});

at("pause").addEventListener("click", () => pause(!playback.paused));
at("step").addEventListener("click", stepOnce);
at("speed").addEventListener("change", () => speed(at("speed").value));
at("teach").addEventListener("click", () => teach());
at("full").addEventListener("click", full);
at("take").addEventListener("click", () => send(null, true));
at("scene-list").append(...facts.scenes.map((shown, i) => {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const key = document.createElement("kbd");
  key.textContent = KEYS[i].toUpperCase();
  button.setAttribute("aria-pressed", "false");
  button.append(key, shown.title);
  button.addEventListener("click", () => play(i));
  item.append(button);
  return item;
}));
if (new URLSearchParams(location.search).has("teach")) teach(true);
