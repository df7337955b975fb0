// Whether what a view shows is live. A picture that is not must never look as if it were.

import { duration } from "./format.js";

const STALE_SECONDS = 2;

const WORDS = {
  connecting: ["Connecting", "warn"],
  stalled: ["No frames from the source", "warn"],
  lost: ["Source lost", "bad"],
  waiting: ["Source lost", "bad"],
  ended: ["Source ended", "warn"],
};

// `clock` gives the device's monotonic time now, ms; `head` is of the picture on show, if any.
export function freshness({ connection, source, head, clock, hidden }) {
  const ageMs = head ? head.age_ms + (performance.now() - head.received) : null;
  const unchanged = head ? (head.waited_ms + performance.now() - head.received) / 1000 : null;
  const picture = head ? `last picture ${duration(unchanged)} ago` : "no picture yet";
  if (connection !== "live") {
    const why = connection === "full" ? "Too many viewers" : "No connection to the device";
    return { old: true, level: "bad", headline: why, detail: `${picture}; trying again`, ageMs };
  }
  if (source.state !== "running") {
    const [words, level] = WORDS[source.state];
    const lasting = duration((clock() - source.since_ns / 1e6) / 1000);
    const lost = level === "bad" && head ? `${words} ${duration(unchanged)} ago` : words;
    const state = source.state === "waiting" ? `waiting to try again, for ${lasting}` : `${source.state} for ${lasting}`;
    const error = source.last_error ? `: ${source.last_error.split("\n")[0]}` : "";
    return { old: true, level, headline: lost, detail: `${level === "bad" && head ? "" : `${picture}; `}${state}${error}`, ageMs };
  }
  if (!head) return { old: true, level: "warn", headline: "Waiting for the first picture", detail: "", ageMs };
  const allowed = Math.max(STALE_SECONDS, source.fps ? 3 / source.fps : 0);
  if (unchanged > allowed && !hidden) {
    return { old: true, level: "bad", headline: `No new picture for ${duration(unchanged)}`, detail: "the source runs, but nothing comes out", ageMs };
  }
  return { old: false, level: "good", headline: "", detail: "", ageMs };
}
