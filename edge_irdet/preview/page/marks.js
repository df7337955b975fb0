// Brackets, rings, trails and labels on a picture. Nothing is ever drawn on a target itself.

export const COLOURS = { seen: "#4ade80", coasting: "#fbbf24", tentative: "#7dd3fc" };
const GAP = 5; // CSS pixels between a target and its brackets
const SMALLEST = 9; // half the side of the smallest brackets
const FONT = '600 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

// What a detection is to the tracker; without a tracker every detection is simply seen.
export function kindOf(found, record) {
  return record.tracks !== null && found.track_id === null ? "tentative" : "seen";
}

export function drawMarks(context, record, trails, place) {
  const marks = record.detections.map((found) => ({
    kind: kindOf(found, record),
    frame: frameOf(found.box, place),
    text: detectionText(found),
  }));
  const coasting = (record.tracks ?? []).filter((track) => track.state === "coasting");
  for (const track of coasting) marks.push(ringOf(track, place));
  drawTrails(context, record, trails, place, marks);
  for (const mark of marks) (mark.kind === "coasting" ? drawRing : drawBrackets)(context, mark);
  drawLabels(context, marks, place);
}

function detectionText(found) {
  const id = found.track_id === null ? "" : `#${found.track_id} `;
  return `${id}${found.class_name} ${found.score.toFixed(2)}`;
}

function frameOf(box, place) {
  const [left, top] = place.toScreen(box[0], box[1]);
  const [right, bottom] = place.toScreen(box[2], box[3]);
  const x = (left + right) / 2;
  const y = (top + bottom) / 2;
  const wide = Math.max((right - left) / 2 + GAP, SMALLEST);
  const high = Math.max((bottom - top) / 2 + GAP, SMALLEST);
  return { left: x - wide, top: y - high, right: x + wide, bottom: y + high };
}

function ringOf(track, place) {
  const [x, y] = place.toScreen(...track.centre);
  const extent = Math.max(track.box[2] - track.box[0], track.box[3] - track.box[1]) / 2;
  // Twice the standard deviation holds the target in 86 % of the cases.
  const radius = Math.min(Math.max(extent, 2 * track.sigma) * place.scale + GAP, place.width / 8);
  const side = Math.max(radius, SMALLEST);
  return {
    kind: "coasting",
    frame: { left: x - side, top: y - side, right: x + side, bottom: y + side },
    radius: side,
    text: `#${track.track_id} coasting ${track.missed}`,
  };
}

function drawBrackets(context, { frame, kind }) {
  const arm = Math.max(4, Math.min(frame.right - frame.left, frame.bottom - frame.top) / 4);
  context.beginPath();
  for (const [x, y, dx, dy] of [
    [frame.left, frame.top, arm, arm],
    [frame.right, frame.top, -arm, arm],
    [frame.left, frame.bottom, arm, -arm],
    [frame.right, frame.bottom, -arm, -arm],
  ]) {
    context.moveTo(x + dx, y);
    context.lineTo(x, y);
    context.lineTo(x, y + dy);
  }
  rimmed(context, COLOURS[kind]);
}

function drawRing(context, { frame, radius }) {
  context.beginPath();
  context.setLineDash([5, 4]);
  context.arc((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2, radius, 0, 2 * Math.PI);
  rimmed(context, COLOURS.coasting);
  context.setLineDash([]);
}

// A dark rim keeps a line visible on white clouds.
function rimmed(context, colour) {
  context.lineJoin = "round";
  context.strokeStyle = "rgb(0 0 0 / 65%)";
  context.lineWidth = 3.5;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = 1.75;
  context.stroke();
}

function drawTrails(context, record, trails, place, marks) {
  context.lineWidth = 1.75;
  for (const track of record.tracks ?? []) {
    for (const { from, to, age } of trails.segments(track.track_id)) {
      const [x0, y0] = place.toScreen(from.x, from.y);
      const [x1, y1] = place.toScreen(to.x, to.y);
      if (marks.some(({ frame }) => inside(x0, y0, frame) || inside(x1, y1, frame))) continue;
      context.strokeStyle = COLOURS[to.coasting ? "coasting" : "seen"];
      context.globalAlpha = 0.85 * (1 - age);
      context.setLineDash(to.coasting ? [3, 4] : []);
      context.beginPath();
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
  context.setLineDash([]);
}

function inside(x, y, frame) {
  return x >= frame.left && x <= frame.right && y >= frame.top && y <= frame.bottom;
}

// Each label goes where it covers no mark and no other label, if there is such a place.
function drawLabels(context, marks, place) {
  context.font = FONT;
  context.textBaseline = "top";
  const taken = marks.map((mark) => mark.frame);
  for (const { frame, text, kind } of marks) {
    const wide = context.measureText(text).width;
    const middle = (frame.left + frame.right - wide) / 2;
    const spots = [
      [frame.right + 5, frame.top - 1],
      [frame.left - wide - 5, frame.top - 1],
      [middle, frame.top - 18],
      [middle, frame.bottom + 5],
    ].map(([x, y]) => ({ left: x, top: y, right: x + wide, bottom: y + 13 }));
    const free = (spot) =>
      spot.left >= 2 &&
      spot.top >= 2 &&
      spot.right <= place.width - 2 &&
      spot.bottom <= place.height - 2 &&
      !taken.some((other) => overlap(spot, other));
    const spot = spots.find(free);
    if (spot === undefined) continue;
    taken.push(spot);
    context.strokeStyle = "rgb(0 0 0 / 80%)";
    context.lineWidth = 3.5;
    context.strokeText(text, spot.left, spot.top);
    context.fillStyle = COLOURS[kind];
    context.fillText(text, spot.left, spot.top);
  }
}

function overlap(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
