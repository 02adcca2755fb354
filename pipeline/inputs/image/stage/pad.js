/** The drawing pad: strokes by finger, pen or mouse. */

/** @typedef {{ x: number, y: number }} Point on the pad, from 0 to 1 */
/** @typedef {Point[]} Stroke */

const WIDTH = 0.075;

/**
 * Draws strokes on a canvas, in the colour that its context has.
 * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 * @param {number} width of the pen, in pixels
 * @param {(point: Point) => [number, number]} place of a point, in pixels
 */
export function draw(context, strokes, width, place) {
  Object.assign(context, {
    lineWidth: width,
    lineCap: "round",
    lineJoin: "round",
  });
  context.beginPath();
  for (const [first, ...rest] of strokes) {
    if (rest.length) context.moveTo(...place(first));
    for (const point of rest) context.lineTo(...place(point));
  }
  context.stroke();
  // A dot is a disc: WebKit draws nothing of a line to where it began.
  context.fillStyle = context.strokeStyle;
  context.beginPath();
  for (const [x, y] of strokes.filter(({ length }) => length === 1).map(([dot]) => place(dot))) {
    context.moveTo(x + width / 2, y);
    context.arc(x, y, width / 2, 0, 2 * Math.PI);
  }
  context.fill();
}

export class Pad {
  #changed;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} changed called while a stroke grows
   */
  constructor(canvas, changed) {
    this.canvas = canvas;
    /** @type {Stroke[]} */
    this.strokes = [];
    this.#changed = changed;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
    this.clear();
  }

  clear() {
    this.strokes = [];
    this.#paint();
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    try {
      this.canvas.setPointerCapture(event.pointerId);
    } catch {
      // The pointer is gone already; its stroke is a dot.
    }
    this.strokes.push([this.#point(event)]);
    this.#paint();
    this.#changed();
  }

  /** @param {PointerEvent} event */
  #go(event) {
    if (!event.buttons || !this.strokes.length) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length ? passed : [event]) this.strokes.at(-1)?.push(this.#point(one));
    this.#paint();
    this.#changed();
  }

  /** @param {PointerEvent} event @returns {Point} */
  #point(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
  }

  /** In the page's colours, which follow the system's. */
  #paint() {
    const colours = getComputedStyle(this.canvas);
    paint(this.canvas, this.strokes, colours.backgroundColor, colours.color);
  }
}

/**
 * Paint strokes anew.
 * @param {HTMLCanvasElement} canvas
 * @param {Stroke[]} strokes
 * @param {string} paper
 * @param {string} ink
 */
export function paint(canvas, strokes, paper, ink) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = ink;
  draw(context, strokes, WIDTH * canvas.width, ({ x, y }) => [x * canvas.width, y * canvas.height]);
}
