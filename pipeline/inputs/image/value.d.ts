/** What a page may give where a model takes an image. */
export type ImageInput =
  | HTMLImageElement
  | SVGImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | ImageData
  | VideoFrame
  | Blob
  /** A URL, relative to the page's. One of another origin has to allow that (CORS). */
  | string;

/** What answers in pixels tell beside: which artifact gave them, and the size of the whole image. */
export interface OfImage {
  artifact: string;
  /** In pixels; `normalized(answers)` divides by it. */
  image: { width: number; height: number };
}

/** What of an image a model reads, beside the options of each method; answers are in pixels of the whole image. */
export interface ImageRegion {
  /** In pixels of the image, before it is turned. Default: the whole, as large as it is once it is turned. */
  region?: { x: number; y: number; width: number; height: number };
  /** How far the region is turned about its centre, clockwise, in degrees: what stands in it is read upright. */
  rotation?: number;
  /** Of a release that looks where its detector says: where to look in place of it, as the answers to the frame before
   * say in their `region`. The detector is asked where these are fewer than the release looks for. */
  regions?: Square[];
}

/** A square in pixels of the image: its centre, its side, and how far it is turned, clockwise, in radians. */
export interface Square {
  x: number;
  y: number;
  width: number;
  height: number;
  angle: number;
}
