// The words and numbers beside the picture.

import { count, duration, milliseconds, rate, shortName } from "./format.js";
import { make, put } from "./elements.js";

export const LEVELS = { running: "good", connecting: "warn", stalled: "warn", lost: "bad", waiting: "bad", ended: "warn" };
const HISTORY = 120; // notices, two a second

const byId = (id) => document.getElementById(id);

export class Panel {
  constructor() {
    this.figures = new Map();
    this.history = { fps: [], latency: [] };
    this.addFigure("fps", "frames/s", true);
    this.addFigure("latency", "median latency", true);
    this.addFigure("tail", "latency p99");
    this.addFigure("detector", "detector");
    this.addFigure("age", "picture age");
    this.addFigure("frames", "frames");
    this.addFigure("dropped", "dropped");
    this.addFigure("missed", "missed");
    this.addFigure("skipped", "skipped");
    this.addFigure("interruptions", "interruptions");
    this.addFigure("lost", "records lost");
    const titles = {
      latency: "From capture to the record handed to all outputs, since the start",
      tail: "99 % of the frames took less, since the start",
      age: "Time since the capture of the newest picture shown",
      detector: "Preprocessing, inference and suppression, median",
      dropped: "Captured and dropped because a newer frame came first",
      missed: "Made by the camera and never arrived",
      skipped: "Could not be read",
      interruptions: "How often a source was lost and came back",
      lost: "Records that an output could not take",
    };
    for (const [name, title] of Object.entries(titles)) this.figures.get(name).element.title = title;
  }

  addFigure(name, text, wide = false) {
    const value = make("dd");
    const element = make("div", { className: wide ? "wide" : "" }, make("dt", {}, text), value);
    const line = wide ? make("canvas", { width: 220, height: 64 }) : null;
    if (line) {
      line.setAttribute("aria-hidden", "true");
      element.append(line);
    }
    byId("figures").append(element);
    this.figures.set(name, { element, value, line });
  }

  set(name, text, level = "") {
    const { value } = this.figures.get(name);
    put(value, text);
    value.dataset.level = level;
  }

  show(notice, chosen) {
    const { stream, health, viewers } = notice;
    const { package: name, precision, runtime, reason } = stream.detector;
    const running = [name, precision, runtime].filter(Boolean).join(" · ");
    put(byId("running"), running);
    put(byId("detector"), running);
    put(byId("reason"), reason);
    byId("reason").hidden = !reason;
    const sources = chosen === null ? stream.sources : stream.sources.filter((_, place) => place === chosen);
    const sum = (name) => sources.reduce((total, source) => total + source[name], 0);
    const rates = sources.filter((source) => source.state === "running" && source.fps !== null).map((source) => source.fps);
    const fps = rates.length ? rates.reduce((one, other) => one + other, 0) : null;
    this.set("fps", rate(fps));
    this.set("latency", milliseconds(stream.latency_ms.p50));
    this.set("tail", milliseconds(stream.latency_ms.p99));
    this.set("detector", milliseconds(stream.detector_ms.p50));
    this.set("frames", count(sum("frames")));
    for (const name of ["dropped", "missed", "skipped", "interruptions"]) {
      this.set(name, count(sum(name)), sum(name) ? "warn" : "");
    }
    const lost = stream.sinks.reduce((total, sink) => total + sink.lost, 0);
    this.set("lost", count(lost), lost ? "bad" : "");
    this.sparkline("fps", fps);
    this.sparkline("latency", stream.latency_ms.p50);
    put(byId("uptime"), `up ${duration((stream.now_ns - stream.started_ns) / 1e9)}`);
    put(byId("viewers"), `${viewers} ${viewers === 1 ? "viewer" : "viewers"}`);
    this.rows(byId("sources"), stream.sources.map((source) => sourceRow(source, stream.now_ns)));
    this.rows(byId("outputs"), stream.sinks.map(sinkRow), "No outputs but this page");
    this.judge(health);
  }

  judge(health) {
    const [text, level] = judgement(health);
    const pill = byId("health");
    put(pill, text);
    pill.dataset.level = level;
    this.alert(health.reasons, level);
  }

  alert(lines, level) {
    const place = byId("alert");
    place.hidden = !lines.length;
    place.dataset.level = level;
    // Only what differs is written, so that a screen reader does not read the same line twice a second.
    const known = lines.map((line) => line.replace(/\d+(\.\d+)? s\b/g, "s")).join("\n");
    if (place.known !== known) {
      place.known = known;
      place.replaceChildren(...lines.map((line) => make("p", {}, line)));
    } else {
      [...place.children].forEach((line, index) => put(line, lines[index]));
    }
  }

  rows(list, wanted, empty = "") {
    const rows = wanted.length ? wanted : [{ name: empty, title: "", state: "", level: "", detail: "", error: "" }];
    while (list.children.length > rows.length) list.lastChild.remove();
    while (list.children.length < rows.length) list.append(makeRow());
    rows.forEach((row, index) => {
      const parts = list.children[index].parts;
      put(parts.name, row.name);
      parts.name.title = row.title;
      parts.name.className = row.title ? "name" : "empty";
      put(parts.state, row.state);
      parts.state.dataset.level = row.level;
      put(parts.detail, row.detail);
      parts.detail.hidden = !row.detail;
      put(parts.error, row.error);
      parts.error.hidden = !row.error;
    });
  }

  sparkline(name, value) {
    const history = this.history[name];
    if (value !== null) history.push(value);
    if (history.length > HISTORY) history.shift();
    const { line } = this.figures.get(name);
    const context = line.getContext("2d");
    context.clearRect(0, 0, line.width, line.height);
    if (history.length < 2) return;
    const most = Math.max(...history) * 1.15 || 1;
    const x = (index) => line.width - (history.length - 1 - index) * (line.width / (HISTORY - 1));
    const y = (point) => line.height - 3 - (point / most) * (line.height - 8);
    context.beginPath();
    history.forEach((point, index) => context.lineTo(x(index), y(point)));
    context.strokeStyle = "#4ade80";
    context.lineWidth = 2.5;
    context.stroke();
    context.lineTo(line.width, line.height);
    context.lineTo(x(0), line.height);
    context.fillStyle = "rgb(74 222 128 / 12%)";
    context.fill();
  }
}

function judgement(health) {
  if (!health.alive) return ["Stuck", "bad"];
  if (!health.healthy) return ["Not healthy", "bad"];
  return health.degraded ? ["Degraded", "warn"] : ["Healthy", "good"];
}

function makeRow() {
  const parts = {
    name: make("span", { className: "name" }),
    state: make("span", { className: "state" }),
    detail: make("span", { className: "detail" }),
    error: make("span", { className: "error" }),
  };
  const row = make("li", {}, ...Object.values(parts));
  row.parts = parts;
  return row;
}

function sourceRow(source, now) {
  const figures = [`${count(source.frames)} frames`];
  if (source.fps !== null && source.state === "running") figures.unshift(`${rate(source.fps)} fps`);
  for (const name of ["dropped", "missed", "skipped"]) if (source[name]) figures.push(`${count(source[name])} ${name}`);
  if (source.interruptions) figures.push(`${count(source.interruptions)} interruptions`);
  const error = source.last_error?.split("\n")[0] ?? "";
  return {
    name: shortName(source.source),
    title: source.source,
    state: `${source.state}${source.degraded ? ", degraded" : ""} ${duration((now - source.since_ns) / 1e9)}`,
    level: source.degraded && source.state === "running" ? "warn" : LEVELS[source.state],
    detail: figures.join(" · "),
    error: error && source.state === "running" ? `last loss: ${error}` : error,
  };
}

function sinkRow(sink) {
  return {
    name: sink.sink,
    title: sink.sink,
    state: sink.failing ? "failing" : sink.degraded ? "degraded" : sink.lost ? "lost records" : "ok",
    level: sink.failing ? "bad" : sink.degraded || sink.lost ? "warn" : "good",
    detail: `${count(sink.written)} written${sink.lost ? ` · ${count(sink.lost)} lost` : ""}`,
    error: sink.last_error?.split("\n")[0] ?? "",
  };
}
