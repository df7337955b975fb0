// The best targets, enlarged and stretched in contrast: a target of five pixels cannot be judged otherwise.

import { COLOURS, kindOf } from "./marks.js";
import { make } from "./elements.js";

const MOST = 6;
const SIDE = 28; // picture pixels
const SHOWN = 224; // canvas pixels, a whole multiple

export class Insets {
  constructor(container, onChoose) {
    this.container = container;
    this.onChoose = onChoose;
    this.small = make("canvas", { width: SIDE, height: SIDE }).getContext("2d", { willReadFrequently: true });
    this.slots = [];
  }

  // `views` are those on show; returns how many targets they hold.
  show(views) {
    const targets = views.flatMap((view) => (view.head && view.bitmap ? targetsOf(view) : []));
    const best = [...targets].sort((one, other) => other.score - one.score).slice(0, MOST);
    // In the order of their numbers, so that a target keeps its place while scores change.
    best.sort((one, other) => (one.id ?? Infinity) - (other.id ?? Infinity));
    while (this.slots.length < best.length) this.slots.push(this.makeSlot());
    this.slots.forEach((slot, index) => {
      slot.element.hidden = index >= best.length;
      if (index < best.length) this.fill(slot, best[index], views.length > 1);
    });
    return targets.length;
  }

  makeSlot() {
    const canvas = make("canvas", { width: SHOWN, height: SHOWN });
    const [name, score] = [make("b"), make("span")];
    score.style.padding = "0";
    const element = make("button", { type: "button", className: "inset" }, canvas, make("span", {}, name, score));
    const slot = { element, context: canvas.getContext("2d", { alpha: false }), name, score, target: null };
    element.onclick = () => slot.target && this.onChoose(slot.target);
    this.container.append(element);
    return slot;
  }

  fill(slot, target, several) {
    slot.target = target;
    slot.element.dataset.kind = target.kind;
    const id = target.id === null ? target.name : `#${target.id}`;
    slot.name.textContent = several ? `${target.view.place + 1}: ${id}` : id;
    slot.score.textContent = target.kind === "coasting" ? "coast" : target.score.toFixed(2);
    const clutter = target.scr === null ? "" : `, signal to clutter ${target.scr.toFixed(1)}`;
    slot.element.title = `${target.name}, score ${target.score.toFixed(2)}${clutter}. Show in the picture`;
    this.magnify(slot.context, target);
  }

  magnify(context, { view, x, y, box, kind }) {
    const [left, top] = [Math.round(x - SIDE / 2), Math.round(y - SIDE / 2)];
    this.small.fillStyle = "#05080b";
    this.small.fillRect(0, 0, SIDE, SIDE);
    this.small.drawImage(view.bitmap, left, top, SIDE, SIDE, 0, 0, SIDE, SIDE);
    const { width, height } = view.head.record;
    stretch(this.small, left, top, width, height);
    const scale = SHOWN / SIDE;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.small.canvas, 0, 0, SHOWN, SHOWN);
    context.strokeStyle = COLOURS[kind];
    context.lineWidth = 4;
    const frame = [(box[0] - left) * scale - 12, (box[1] - top) * scale - 12, (box[2] - left) * scale + 12, (box[3] - top) * scale + 12];
    context.beginPath();
    for (const [cornerX, dx] of [[frame[0], 1], [frame[2], -1]]) {
      for (const [cornerY, dy] of [[frame[1], 1], [frame[3], -1]]) {
        context.moveTo(cornerX + dx * 18, cornerY);
        context.lineTo(cornerX, cornerY);
        context.lineTo(cornerX, cornerY + dy * 18);
      }
    }
    context.setLineDash(kind === "coasting" ? [7, 6] : []);
    context.stroke();
    context.setLineDash([]);
  }
}

function targetsOf(view) {
  const { record } = view.head;
  const seen = record.detections.map((found) => ({
    view,
    kind: kindOf(found, record),
    id: found.track_id,
    name: found.class_name,
    score: found.score,
    scr: found.scr,
    x: found.centroid[0],
    y: found.centroid[1],
    box: found.box,
  }));
  const coasting = (record.tracks ?? [])
    .filter((track) => track.state === "coasting")
    .map((track) => ({ view, kind: "coasting", id: track.track_id, name: "track", score: track.score, scr: null, x: track.centre[0], y: track.centre[1], box: track.box }));
  return [...seen, ...coasting];
}

// Darkest to brightest of what lies inside the picture becomes black to white.
function stretch(context, left, top, width, height) {
  const x0 = Math.max(0, -left);
  const y0 = Math.max(0, -top);
  const wide = Math.min(SIDE, width - left) - x0;
  const high = Math.min(SIDE, height - top) - y0;
  if (wide <= 0 || high <= 0) return;
  const pixels = context.getImageData(x0, y0, wide, high);
  let [low, most] = [255, 0];
  for (let index = 0; index < pixels.data.length; index += 4) {
    low = Math.min(low, pixels.data[index]);
    most = Math.max(most, pixels.data[index]);
  }
  // Not below 24 grey levels: stretched noise would look like targets.
  const gain = 255 / Math.max(24, most - low);
  for (let index = 0; index < pixels.data.length; index += 4) {
    const grey = (pixels.data[index] - low) * gain;
    pixels.data[index] = pixels.data[index + 1] = pixels.data[index + 2] = grey;
  }
  context.putImageData(pixels, x0, y0);
}
