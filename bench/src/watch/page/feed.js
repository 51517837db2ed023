// The line to `dyno watch`: events come by it, orders go.

const token = location.hash.slice(1);

/** Whether the address has a token at all. */
export const hasToken = token !== "";

let watcher = null;

/** Listens to events. `on` has a function for each kind; `link` is told how the connection is. */
export function listen(on, link) {
  const source = new EventSource(`/events?token=${encodeURIComponent(token)}`);
  source.addEventListener("open", () => link("live", ""));
  source.addEventListener("error", () =>
    link("lost", source.readyState === EventSource.CLOSED
      ? "refused: open the address that dyno watch prints"
      : "the connection is lost; trying again"));
  source.addEventListener("hello", (event) => { watcher = JSON.parse(event.data).watcher; });
  for (const [kind, act] of Object.entries(on)) {
    source.addEventListener(kind, (event) => act(JSON.parse(event.data)));
  }
}

/** The number of this watcher. */
export const self = () => watcher;

/** Gives an order. Resolves to the refusal in words, or to an empty text. */
export async function order(what, takes = false) {
  const given = takes ? { watcher, takes } : { watcher };
  if (what !== null) given.order = what;
  try {
    const answer = await fetch("/orders", {
      method: "POST",
      headers: { "Dyno-Token": token, "Content-Type": "application/json" },
      body: JSON.stringify(given),
    });
    return answer.ok ? "" : (await answer.text()).trim();
  } catch {
    return "dyno watch does not answer: does it still run?";
  }
}
