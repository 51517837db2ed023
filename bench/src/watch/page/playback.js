// What was recorded of requests, and the clock by which it is shown: live, slower, or stopped.

// Steps that are kept for one design: some seconds of a busy one, and some megabytes.
const MOST_STEPS = 60000;
// Live, what is shown is so much older than now, so that steps which come in pieces are shown in their order, us.
const BEHIND_US = 120000;

export class Playback {
  constructor() {
    this.sides = [];
    this.reset(1);
    this.speed = 1;
    this.paused = false;
    // From the clock of this page to that of the server, us.
    this.offset = null;
    this.cursor = null;
    this.last = null;
  }

  /** Forgets what was recorded, for so many designs. */
  reset(sides) {
    this.sides = Array.from({ length: sides }, () => ({ steps: [], next: 0, left: 0 }));
  }

  /** Takes steps in. They are in order but for those that two threads of a server wrote at the same time. */
  record(side, steps, now_us) {
    const kept = this.sides[side];
    if (!kept) return;
    const offset = now_us - performance.now() * 1000;
    this.offset = this.offset === null ? offset : Math.max(this.offset, offset);
    for (const step of steps) {
      if (kept.steps.length - kept.next >= MOST_STEPS) { kept.left += 1; continue; }
      kept.steps.push(step);
      for (let i = kept.steps.length - 1; i > kept.next && kept.steps[i - 1][0] > step[0]; i -= 1) {
        [kept.steps[i - 1], kept.steps[i]] = [kept.steps[i], kept.steps[i - 1]];
      }
    }
    if (kept.next > 5000) { kept.steps.splice(0, kept.next); kept.next = 0; }
  }

  isLive() { return this.speed === 1 && !this.paused; }

  setSpeed(speed) {
    this.speed = speed;
    if (speed === 1 && !this.paused) this.cursor = null;
  }

  setPaused(paused) {
    this.paused = paused;
    if (this.isLive()) this.cursor = null;
  }

  liveUs() { return this.offset === null ? null : performance.now() * 1000 + this.offset - BEHIND_US; }

  /** Moves the clock on, and calls `apply(side, step)` for each step that has happened by then. */
  advance(apply) {
    const now = performance.now();
    const passed = this.last === null ? 0 : now - this.last;
    this.last = now;
    const live = this.liveUs();
    if (live === null) return;
    if (this.cursor === null || this.isLive()) this.cursor = live;
    else if (!this.paused) this.cursor = Math.min(this.cursor + passed * 1000 * this.speed, live);
    this.applyDue(apply);
  }

  applyDue(apply) {
    this.sides.forEach((kept, side) => {
      while (kept.next < kept.steps.length && kept.steps[kept.next][0] <= this.cursor) {
        apply(side, kept.steps[kept.next]);
        kept.next += 1;
      }
    });
  }

  /** Stops, and goes to the next thing that has happened. */
  step(apply) {
    this.paused = true;
    const times = this.sides.map((kept) => kept.steps[kept.next]?.[0]).filter((time) => time !== undefined);
    if (times.length === 0 || this.cursor === null) return false;
    this.cursor = Math.max(this.cursor, Math.min(...times));
    this.applyDue(apply);
    return true;
  }

  /** How far what is shown is behind what happens, in words. */
  words() {
    const live = this.liveUs();
    if (live === null || this.cursor === null || this.isLive()) return "live";
    const behind = `${((live - this.cursor) / 1e6).toFixed(3)} s ago`;
    const left = this.sides.some((kept) => kept.left > 0) ? "; the recording is full, later steps are left out" : "";
    return `${this.paused ? "stopped" : "slow motion"}, ${behind}${left}`;
  }
}
