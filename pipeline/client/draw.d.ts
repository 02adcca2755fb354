/**
 * Draws answers over the picture that they are of, in pixels of the picture.
 *
 *     import { drawBoxes, overlay } from "model-pipeline-client/draw";
 *     const context = overlay(canvas, { width: image.naturalWidth, height: image.naturalHeight });
 *     drawBoxes(context, await model.detect(image));
 */
export type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** An object as a detector answers it. */
export interface Drawn {
  box: Box;
  label?: string;
  /** 0 to 1. */
  score?: number;
  /** Of its class, which decides its colour. */
  index?: number;
}

export interface Point {
  x: number;
  y: number;
  score?: number;
}

export interface BoxOptions {
  /** What a box is called; default: its label and its score. */
  text?: (object: Drawn) => string;
  /** Of all boxes; default: one for each class. */
  color?: string;
  /** Lines are dashed, and labels stand below: for a second answer to the same picture. */
  dashed?: boolean;
}

export interface PointOptions {
  /** Pairs of points, by their place in the list, that a line joins. */
  connections?: readonly (readonly [number, number])[];
  /** The lowest score of a point that is drawn; default: 0. */
  least?: number;
  color?: string;
  /** Of a point, in CSS pixels; 0: lines only. Default: 3.5. */
  radius?: number;
  /** Of a line, in CSS pixels; default: 2.5. */
  width?: number;
}

/**
 * Clears a canvas that lies over a picture, and makes it as fine as the screen.
 * @param size of the picture, in its pixels
 * @param options.fit how the picture lies in its frame, as CSS' `object-fit` has it; default: `contain`
 * @returns a context that counts in pixels of the picture
 */
export function overlay(
  canvas: HTMLCanvasElement,
  size: { width: number; height: number },
  options?: { fit?: "contain" | "cover" },
): CanvasRenderingContext2D;

/** Draws boxes and what they hold; the first of the list are on top. */
export function drawBoxes(context: Context, objects: readonly Drawn[], options?: BoxOptions): void;

/** Draws points, and lines between them; `null` stands for a point that is not there. */
export function drawPoints(
  context: Context,
  points: readonly (Point | null | undefined)[],
  options?: PointOptions,
): void;

/** The colour of a class, by its number. */
export function colorOf(index: number): string;
