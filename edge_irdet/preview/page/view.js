// One source's picture: drawing, zoom, and the veil over a picture that is not live.

import { drawMarks } from "./marks.js";
import { milliseconds, rate, shortName } from "./format.js";
import { make } from "./elements.js";
import { Trails } from "./trails.js";

const DEEPEST = 32;
const TAP_ZOOM = 4;
const LOOK_ZOOM = 6;
const GROUND = "#05080b";
const TAP_SLACK = 6; // CSS pixels that a finger may move in a tap

export class View {
  constructor(place) {
    this.place = place;
    this.bitmap = null;
    this.head = null;
    this.trails = new Trails();
    this.zoom = 1;
    this.middle = [0, 0];
    this.pointers = new Map();
    this.moved = 0;
    this.followed = null;
    this.due = false;
    this.build();
  }

  build() {
    this.canvas = make("canvas", { tabIndex: 0, role: "img" });
    this.canvas.setAttribute("aria-keyshortcuts", "+ - 0 ArrowLeft ArrowRight ArrowUp ArrowDown");
    this.name = make("span", { className: "name" });
    this.resolution = make("span", { className: "figure resolution" });
    this.fps = make("span", { className: "figure" });
    this.age = make("span", { className: "figure age" });
    this.level = make("button", { type: "button", title: "Whole picture (0)" }, "1×");
    const less = make("button", { type: "button", title: "Zoom out (-)" }, "−");
    const more = make("button", { type: "button", title: "Zoom in (+)" }, "+");
    const save = make("a", { href: `snapshot.jpg?source=${this.place}`, target: "_blank", title: "This picture as a file" }, "Save");
    less.setAttribute("aria-label", "Zoom out");
    more.setAttribute("aria-label", "Zoom in");
    less.onclick = () => this.zoomTo(this.zoom / 2);
    more.onclick = () => this.zoomTo(this.zoom * 2);
    this.level.onclick = () => this.zoomTo(1);
    const buttons = make("span", { className: "zoom" }, less, this.level, more, save);
    const caption = make("div", { className: "caption" }, this.name, this.resolution, make("span", { className: "space" }), this.fps, this.age, buttons);
    this.headline = make("strong");
    this.detail = make("span");
    this.veil = make("div", { className: "veil", hidden: true }, make("div", {}, this.headline, this.detail));
    this.shutter = make("div", { className: "shutter", hidden: true }, "Shutter closed: calibrating");
    const picture = make("div", {}, this.canvas, this.veil, this.shutter);
    picture.style.position = "relative";
    this.element = make("figure", { className: "tile" }, picture, caption);
    this.element.style.margin = "0";
    this.canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.onDown(event));
    this.canvas.addEventListener("pointermove", (event) => this.onMove(event));
    this.canvas.addEventListener("pointerup", (event) => this.onUp(event, true));
    this.canvas.addEventListener("pointercancel", (event) => this.onUp(event, false));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.redraw()).observe(this.element);
  }

  show(head, bitmap) {
    const { width, height } = head.record;
    if (!this.head || this.head.record.width !== width || this.head.record.height !== height) {
      this.canvas.style.aspectRatio = `${width} / ${height}`;
      this.middle = [width / 2, height / 2];
      this.zoom = 1;
    }
    if (this.bitmap) this.bitmap.close();
    this.bitmap = bitmap;
    this.head = head;
    this.trails.add(head.record);
    const track = (head.record.tracks ?? []).find((one) => one.track_id === this.followed);
    if (track) this.middle = track.centre;
    this.shutter.hidden = !head.record.shutter;
    const found = head.record.detections.length;
    this.canvas.setAttribute("aria-label", `Picture of ${head.record.source}, ${found} targets`);
    this.redraw();
  }

  // After a restart of the stream, whose tracks begin to count anew.
  forget() {
    this.trails = new Trails();
    this.followed = null;
  }

  redraw() {
    if (this.due || !this.bitmap) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.draw();
    });
  }

  draw() {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width || !this.bitmap) return;
    const density = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(box.width * density), Math.round(box.height * density)];
    if (this.canvas.width !== wide || this.canvas.height !== high) Object.assign(this.canvas, { width: wide, height: high });
    const { width, height } = this.head.record;
    const scale = this.fit(box) * this.zoom;
    this.middle = [clamp(this.middle[0], width, box.width / scale), clamp(this.middle[1], height, box.height / scale)];
    const left = box.width / 2 - this.middle[0] * scale;
    const top = box.height / 2 - this.middle[1] * scale;
    const context = this.canvas.getContext("2d", { alpha: false });
    context.setTransform(density, 0, 0, density, 0, 0);
    // Pixels stay pixels: smoothing would hide what the detector saw of a target of three.
    context.imageSmoothingEnabled = scale < 1;
    context.fillStyle = GROUND;
    context.fillRect(0, 0, box.width, box.height);
    context.drawImage(this.bitmap, left, top, width * scale, height * scale);
    const toScreen = (x, y) => [left + x * scale, top + y * scale];
    drawMarks(context, this.head.record, this.trails, { toScreen, scale, width: box.width, height: box.height });
    this.onDrawn?.();
  }

  // Words and the veil: `truth` says in what state the source is, see freshness.js.
  tell(source, truth) {
    this.name.textContent = shortName(source.source);
    this.name.title = source.source;
    this.resolution.textContent = source.width ? `${source.width}×${source.height}${source.pixel_format === "Y16" ? " 16-bit" : ""}` : "";
    this.fps.textContent = source.fps === null || truth.old ? "" : `${rate(source.fps)} fps`;
    this.age.textContent = this.head && !truth.old ? `age ${milliseconds(truth.ageMs)}` : "";
    this.element.classList.toggle("old", truth.old);
    this.element.dataset.level = truth.level;
    this.veil.dataset.level = truth.level;
    this.veil.hidden = !truth.old;
    if (truth.old) {
      this.headline.textContent = truth.headline;
      this.detail.textContent = truth.detail;
    }
    if (!this.head) {
      const shape = source.width ? `${source.width} / ${source.height}` : "5 / 4";
      if (this.canvas.style.aspectRatio !== shape) this.canvas.style.aspectRatio = shape;
    }
  }

  // Enlarges a place, and goes with the track there, if there is one, until the picture is moved by hand.
  lookAt(x, y, id) {
    this.middle = [x, y];
    this.zoomTo(Math.max(this.zoom, LOOK_ZOOM));
    this.followed = id;
    this.element.scrollIntoView({ block: "nearest" });
  }

  // Keeps the picture's pixel under `at` (CSS pixels in the canvas) where it is.
  zoomTo(zoom, at = null) {
    if (!this.head) return;
    const before = this.zoom;
    if (at || zoom <= 1) this.followed = null;
    this.zoom = Math.min(DEEPEST, Math.max(1, zoom));
    if (at) {
      const box = this.canvas.getBoundingClientRect();
      const away = (1 / before - 1 / this.zoom) / this.fit(box);
      this.middle = [this.middle[0] + (at[0] - box.width / 2) * away, this.middle[1] + (at[1] - box.height / 2) * away];
    }
    this.element.classList.toggle("zoomed", this.zoom > 1);
    this.level.textContent = `${Number(this.zoom.toFixed(1))}×`;
    this.redraw();
  }

  // CSS pixels a picture pixel where the whole picture is on show.
  fit(box) {
    const { width, height } = this.head.record;
    return Math.min(box.width / width, box.height / height);
  }

  shift(dx, dy) {
    if (!this.head) return;
    this.followed = null;
    const scale = this.fit(this.canvas.getBoundingClientRect()) * this.zoom;
    this.middle = [this.middle[0] - dx / scale, this.middle[1] - dy / scale];
    this.redraw();
  }

  onWheel(event) {
    // At the ends the wheel scrolls the page, as everywhere else.
    if ((this.zoom === 1 && event.deltaY > 0) || event.ctrlKey) return;
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), [event.offsetX, event.offsetY]);
  }

  onDown(event) {
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.moved = this.pointers.size > 1 ? Infinity : 0;
    this.canvas.setPointerCapture(event.pointerId);
  }

  onMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.offsetX, event.offsetY];
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    this.moved += Math.hypot(dx, dy);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (others.length) {
      const stretch = distance(now, others[0]) / Math.max(1, distance(before, others[0]));
      this.zoomTo(this.zoom * stretch, [(now[0] + others[0][0]) / 2, (now[1] + others[0][1]) / 2]);
    } else if (this.zoom > 1 && this.moved > TAP_SLACK) {
      this.element.classList.add("dragging");
      this.shift(dx, dy);
    }
    this.pointers.set(event.pointerId, now);
  }

  onUp(event, tapped) {
    this.pointers.delete(event.pointerId);
    this.element.classList.remove("dragging");
    if (tapped && this.moved <= TAP_SLACK) this.zoomTo(this.zoom > 1 ? 1 : TAP_ZOOM, [event.offsetX, event.offsetY]);
  }

  onKey(event) {
    const step = 40;
    const actions = {
      "+": () => this.zoomTo(this.zoom * 2),
      "=": () => this.zoomTo(this.zoom * 2),
      "-": () => this.zoomTo(this.zoom / 2),
      0: () => this.zoomTo(1),
      ArrowLeft: () => this.shift(step, 0),
      ArrowRight: () => this.shift(-step, 0),
      ArrowUp: () => this.shift(0, step),
      ArrowDown: () => this.shift(0, -step),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.startsWith("Arrow") && this.zoom === 1) return;
    event.preventDefault();
    action();
  }
}

// What is on show stays inside the picture, or the picture in the middle of what is on show.
function clamp(middle, length, shown) {
  if (shown >= length) return length / 2;
  const half = shown / 2;
  return Math.min(length - half, Math.max(half, middle));
}

function distance(one, other) {
  return Math.hypot(one[0] - other[0], one[1] - other[1]);
}
