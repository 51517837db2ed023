// What is watched, as a form: each change is an order at once.

import facts from "./facts.js";

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

const labelled = (words, control) => element("label", {}, words, control);

const options = (pairs) => pairs.map(([value, text]) => element("option", { value, textContent: text ?? value }));

const number = (name, min, max) => element("input", { type: "number", name, min, max, step: 1, inputMode: "numeric" });

/** Paths that can be chosen by one touch; any other can be typed. */
const PATHS = ["/", "/json", "/mix", "/compute/1000", "/compute/10000", "/wait/20000", "/wait/200000", "/bytes/100000"];

export class Controls {
  /** `send` gives an order. */
  constructor(form, send) {
    this.form = form;
    this.send = send;
    this.settings = null;
    form.addEventListener("submit", (event) => event.preventDefault());
    this.buildDesign("a");
    this.buildDesign("b");
    this.buildLoad();
    this.buildEvents();
  }

  field(name) { return this.form.elements[name]; }

  buildDesign(side) {
    const names = facts.designs.map((design) => [design.name]);
    const first = side === "b" ? [["", "nobody"]] : [];
    const box = this.form.querySelector(`#design-${side}`);
    const controls = [
      ["architecture", element("select", { name: `name-${side}` }, ...options([...first, ...names]))],
      ["workers", number(`workers-${side}`, 1, 256)],
      ["admission", element("select", { name: `admission-${side}` }, ...options([["", "everybody"], ...facts.admissions.map((name) => [name])]))],
      ["transport", element("select", { name: `transport-${side}` }, ...options(facts.transports.map((name) => [name])))],
    ];
    controls[1][1].placeholder = "its own";
    for (const [words, control] of controls) {
      box.append(labelled(words, control));
      control.addEventListener("change", () => this.changed(side));
    }
  }

  buildLoad() {
    const box = this.form.querySelector("#load");
    const paths = element("datalist", { id: "paths" }, ...options(PATHS.map((path) => [path])));
    const path = element("input", { name: "path", autocomplete: "off", spellcheck: false });
    path.setAttribute("list", "paths");
    const loop = element("select", { name: "loop" }, ...options([["open", "open: by the clock"], ["closed", "closed: after the answer"]]));
    // The slider goes by the logarithm: from one a second to ten thousand.
    const slider = element("input", { type: "range", name: "slider", min: 0, max: 400, step: 1 });
    slider.setAttribute("aria-label", "requests a second");
    const rate = number("rate", 1, 200000);
    slider.addEventListener("input", () => { rate.value = Math.round(10 ** (slider.value / 100)); });
    const fresh = element("input", { type: "checkbox", name: "fresh" });
    const check = element("label", { className: "check" }, fresh, "a connection for each request");
    box.append(labelled("what is asked for", path), paths, labelled("loop", loop), labelled("requests a second", rate), slider,
      labelled("connections", number("connections", 1, 4000)), labelled("slow clients", number("slow", 0, 500)), check);
    for (const name of ["path", "loop", "slider", "rate", "connections", "slow", "fresh"]) {
      this.field(name).addEventListener("change", () => this.changed(null));
    }
  }

  buildEvents() {
    const box = this.form.querySelector("#events");
    const button = (id, text, key, act) => {
      const made = element("button", { id, type: "button" }, text);
      if (key) made.append(" ", element("kbd", { textContent: key }));
      made.addEventListener("click", act);
      return made;
    };
    const kinds = element("select", { name: "fault" }, ...options(facts.faults.map((kind) => [kind])));
    box.append(button("burst", "Burst of 200", "B", () => this.send("burst")),
      labelled("a request whose handler does", kinds), button("send-fault", "Send it", "", () => this.send({ fault: kinds.value })),
      button("pipeline", "A pipeline of six", "", () => this.send("pipeline")), button("tap", "Tap one exchange", "", () => this.send("tap")),
      button("restart", "Restart what died", "R", () => this.send("restart")));
  }

  /** Shows what is watched. A field that is being changed stays as it is. */
  show(settings) {
    this.settings = settings;
    const set = (name, value) => {
      const field = this.field(name);
      if (document.activeElement !== field) field.value = value ?? "";
    };
    ["a", "b"].forEach((side, index) => {
      const design = settings.designs[index];
      set(`name-${side}`, design?.name);
      set(`workers-${side}`, design?.workers);
      set(`admission-${side}`, design?.admission);
      set(`transport-${side}`, design?.transport ?? "plain");
      const known = facts.designs.find((one) => one.name === design?.name);
      this.field(`workers-${side}`).disabled = !known?.workers;
      for (const part of ["admission", "transport"]) this.field(`${part}-${side}`).disabled = !design;
    });
    const { load } = settings;
    set("path", load.path);
    set("loop", load.rate_per_s === null ? "closed" : "open");
    if (load.rate_per_s !== null) {
      set("rate", load.rate_per_s);
      set("slider", Math.round(Math.log10(load.rate_per_s) * 100));
    }
    for (const name of ["rate", "slider"]) this.field(name).disabled = load.rate_per_s === null;
    set("connections", load.connections);
    set("slow", load.slow_clients);
    this.field("fresh").checked = load.fresh;
  }

  /** Orders what the form says. `side` is the design that was changed. */
  changed(side) {
    const value = (name) => this.field(name).value;
    const count = (name) => (value(name) === "" ? null : Number(value(name)));
    const design = (which) => {
      const name = value(`name-${which}`);
      const known = facts.designs.find((one) => one.name === name);
      // Workers belong to a design: another one has its own.
      const before = this.settings?.designs[which === "a" ? 0 : 1]?.name;
      const workers = known?.workers && before === name ? count(`workers-${which}`) : null;
      return { name, workers, admission: value(`admission-${which}`) || null, transport: value(`transport-${which}`) || "plain" };
    };
    const designs = [design("a")];
    if (value("name-b") !== "") designs.push(design("b"));
    else if (side === "b" && this.settings?.designs.length === 1) return;
    this.send({
      settings: {
        designs,
        load: {
          path: value("path"),
          rate_per_s: value("loop") === "open" ? count("rate") ?? 200 : null,
          connections: count("connections") ?? 1,
          slow_clients: count("slow") ?? 0,
          fresh: this.field("fresh").checked,
        },
      },
    });
  }
}
