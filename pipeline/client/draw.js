/**
 * Draws answers over the picture that they are of: boxes with labels, points with connections.
 *
 *     import { drawBoxes, drawPoints, overlay } from "model-pipeline-client/draw";
 *     const context = overlay(canvas, { width: image.naturalWidth, height: image.naturalHeight });
 *     drawBoxes(context, await model.detect(image));
 *
 * - `overlay(canvas, size, { fit })` gets a canvas that lies over a picture ready: it is cleared, as fine
 *   as the screen, and its context counts in pixels of the picture. Call it anew for each picture.
 * - `drawBoxes(context, objects, { text, color, dashed })` draws each object's `box` and what it is.
 * - `drawPoints(context, points, { connections, least, color, radius, width })` draws points and lines
 *   between pairs of them; points that are missing or less sure than `least` are left out.
 * - `colorOf(index)` is the colour of a class.
 *
 * Any 2D context does, also that of a canvas which holds the picture itself, or has a transform of its
 * own. Lines and texts are as wide on the screen whatever the picture's size is; of a canvas that is not
 * on the page they grow with its root. Nothing here is needed to run a model.
 */

/**
 * @typedef {import("./draw.js").Context} Context
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Rectangle in pixels of the canvas
 * @typedef {(x: number, y: number) => [number, number]} Place of a point of the picture on the canvas
 */

/** Told apart by most who see colours otherwise, on dark pictures and on light ones. */
const COLORS = [
  ...["#ffb000", "#5fb4ff", "#ff6f61", "#3ddc97", "#c79bff", "#fff06a", "#ff8ad1", "#58e0e6"],
];
const INK = "#10141b";
/** Around each line, so that it shows on a ground of its own colour. */
const HALO = "rgb(16 20 27 / 0.6)";
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
/** In CSS pixels. */
const [LINE, TEXT, POINT] = [2.5, 13, 3.5];
/** A side of a canvas, in pixels, of which one is drawn as one on the screen. */
const PLAIN = 480;

/** @type {typeof import("./draw.js").colorOf} */
export const colorOf = (index) => COLORS[index % COLORS.length];

/** @type {typeof import("./draw.js").overlay} */
export function overlay(canvas, { width, height }, { fit = "contain" } = {}) {
  const shown = [canvas.clientWidth, canvas.clientHeight];
  const fine = globalThis.devicePixelRatio || 1;
  const [across, down] = shown[0] && shown[1] ? shown.map((side) => side * fine) : [width, height];
  canvas.width = Math.round(across);
  canvas.height = Math.round(down);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const ratios = [canvas.width / width, canvas.height / height];
  const scale = fit === "cover" ? Math.max(...ratios) : Math.min(...ratios);
  const [left, top] = [canvas.width - width * scale, canvas.height - height * scale];
  context.setTransform(scale, 0, 0, scale, left / 2, top / 2);
  return context;
}

/** @type {typeof import("./draw.js").drawBoxes} */
export function drawBoxes(context, objects, { text = named, color, dashed = false } = {}) {
  onCanvas(context, (place, unit) => {
    const placed = objects.map((object) => ({
      object,
      box: boxOn(place, object.box),
      colour: color ?? colorOf(object.index ?? 0),
    }));
    // The surest come first, and are drawn last.
    for (const { box, colour } of [...placed].reverse()) {
      context.setLineDash(dashed ? [6 * unit, 4 * unit] : []);
      const { left, top, right, bottom } = box;
      const path = new Path2D();
      path.rect(left, top, right - left, bottom - top);
      stroke(context, path, colour, LINE * unit);
    }
    /** @type {Rectangle[]} */
    const taken = [];
    for (const { object, box, colour } of placed)
      drawLabel(context, text(object), box, colour, { unit, below: dashed, taken });
  });
}

/** @type {typeof import("./draw.js").drawPoints} */
export function drawPoints(context, points, options = {}) {
  const { connections = [], least = 0, color = COLORS[0], radius = POINT, width = LINE } = options;
  onCanvas(context, (place, unit) => {
    const seen = points.map((point) => point && (point.score ?? 1) >= least && point);
    const [lines, dots] = [new Path2D(), new Path2D()];
    for (const [from, to] of connections) {
      const ends = [seen[from], seen[to]];
      if (!ends[0] || !ends[1]) continue;
      lines.moveTo(...place(ends[0].x, ends[0].y));
      lines.lineTo(...place(ends[1].x, ends[1].y));
    }
    stroke(context, lines, color, width * unit);
    if (!radius) return;
    for (const point of seen) {
      if (!point) continue;
      const [x, y] = place(point.x, point.y);
      dots.moveTo(x + radius * unit, y);
      dots.arc(x, y, radius * unit, 0, 2 * Math.PI);
    }
    line(context, dots, HALO, 2 * unit);
    context.fillStyle = color;
    context.fill(dots);
  });
}

/**
 * Count in the canvas' own pixels meanwhile.
 * @param {Context} context
 * @param {(place: Place, unit: number) => void} draw `unit`: pixels of the canvas for one of the screen
 */
function onCanvas(context, draw) {
  const { a, b, c, d, e, f } = context.getTransform();
  const { width, height, clientWidth = 0, clientHeight = 0 } = /** @type {any} */ (context.canvas);
  const unit = clientWidth
    ? Math.max(width / clientWidth, height / clientHeight)
    : Math.max(1, Math.sqrt(Math.max(width, height) / PLAIN));
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  draw((x, y) => [a * x + c * y + e, b * x + d * y + f], unit);
  context.restore();
}

/**
 * A box of the picture on the canvas, which may show it mirrored or turned.
 * @param {Place} place
 * @param {import("./draw.js").Box} box
 * @returns {Rectangle}
 */
function boxOn(place, { x, y, width, height }) {
  const corners = [
    ...[place(x, y), place(x + width, y), place(x, y + height), place(x + width, y + height)],
  ];
  const [across, down] = [corners.map(([right]) => right), corners.map(([, below]) => below)];
  return {
    left: Math.min(...across),
    top: Math.min(...down),
    right: Math.max(...across),
    bottom: Math.max(...down),
  };
}

/**
 * @param {Context} context
 * @param {Path2D} path
 * @param {string} colour
 * @param {number} width
 */
function stroke(context, path, colour, width) {
  line(context, path, HALO, 1.8 * width);
  line(context, path, colour, width);
}

/** @type {typeof stroke} */
function line(context, path, colour, width) {
  context.lineJoin = context.lineCap = "round";
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
}

/**
 * A text on a ground of the box's colour, where no other one stands.
 * @param {Context} context
 * @param {string} text
 * @param {Rectangle} box
 * @param {string} colour
 * @param {{ unit: number, below: boolean, taken: Rectangle[] }} how `taken`: by other labels
 */
function drawLabel(context, text, box, colour, { unit, below, taken }) {
  if (!text) return;
  context.font = `600 ${TEXT * unit}px ${FONT}`;
  context.textBaseline = "middle";
  const [padding, tall] = [5 * unit, 1.5 * TEXT * unit];
  const shown = shorten(context, text, context.canvas.width - 2 * padding);
  const wide = context.measureText(shown).width + 2 * padding;
  const ground = labelPlace(box, [wide, tall], context.canvas, taken, below);
  taken.push(ground);
  context.fillStyle = colour;
  context.fillRect(ground.left, ground.top, wide, tall);
  context.fillStyle = INK;
  context.fillText(shown, ground.left + padding, ground.top + tall / 2);
}

/**
 * Where a label stands, all of it on the canvas: over its box, else within, else under it.
 * @param {Rectangle} box
 * @param {[number, number]} size of the label, across and down
 * @param {{ width: number, height: number }} canvas
 * @param {Rectangle[]} taken
 * @param {boolean} below whether the places at the box's lower edge are tried first
 * @returns {Rectangle}
 */
export function labelPlace(box, [wide, tall], { width, height }, taken, below) {
  const left = Math.max(0, Math.min(box.left, width - wide));
  const upper = [box.top - tall, Math.max(box.top, 0)];
  const lower = [box.bottom, Math.min(box.bottom, height) - tall];
  const places = (below ? [...lower, ...upper] : [...upper, ...lower])
    .filter((top) => top >= 0 && top + tall <= height)
    .map((top) => ({ left, top, right: left + wide, bottom: top + tall }));
  const top = Math.max(0, Math.min(box.top, height - tall));
  const crowded = places[0] ?? { left, top, right: left + wide, bottom: top + tall };
  return places.find((place) => !taken.some((other) => meet(place, other))) ?? crowded;
}

/** @param {Rectangle} a @param {Rectangle} b */
const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * As much of a text as there is room for.
 * @param {Context} context
 * @param {string} text
 * @param {number} room
 */
function shorten(context, text, room) {
  const letters = [...text];
  if (context.measureText(text).width <= room) return text;
  while (letters.length && context.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
}

/** @param {import("./draw.js").Drawn} object */
const named = ({ label = "", score }) =>
  score === undefined ? label : `${label} ${Math.round(score * 100)} %`.trim();
