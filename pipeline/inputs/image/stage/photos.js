/** Images that are picked, dropped and pasted. */

/** Sides beyond this are no help to a model, and cost a phone its memory. */
const LARGEST = 2048;

/**
 * Decode an image, as large as it is up to 2048 pixels a side.
 * @param {Blob} file
 * @returns {Promise<HTMLCanvasElement>}
 */
export async function decode(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    const name = /** @type {File} */ (file).name ?? "what was pasted";
    throw new Error(`${name} is no image that this browser can read. Pick a PNG, JPEG or WebP.`);
  });
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

/**
 * Fill a canvas with an image, all of it visible.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLCanvasElement | ImageData} image
 */
export function show(canvas, image) {
  // An image of a few pixels is shown as such.
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.style.imageRendering = image.width < 64 ? "pixelated" : "auto";
  const context = canvas.getContext("2d");
  if (image instanceof ImageData) context?.putImageData(image, 0, 0);
  else context?.drawImage(image, 0, 0);
}

/** The images among what is dropped, pasted or picked. @param {DataTransfer | null} data */
export const images = (data) =>
  [...(data?.files ?? [])].filter(({ type }) => type.startsWith("image/"));

/**
 * Let images be dropped onto an element.
 * @param {HTMLElement} element
 * @param {(files: File[]) => void} dropped
 * @param {AbortSignal} [signal] that ends it
 */
export function acceptDrops(element, dropped, signal) {
  const over = (/** @type {boolean} */ on) => element.classList.toggle("over", on);
  const drag = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    over(true);
  };
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    event.stopPropagation();
    over(false);
    const files = images(event.dataTransfer);
    if (files.length) dropped(files);
  };
  element.addEventListener("dragover", drag, { signal });
  element.addEventListener("dragleave", () => over(false), { signal });
  element.addEventListener("drop", drop, { signal });
}

/** The first image on the clipboard. @returns {Promise<Blob>} */
export async function pasted() {
  for (const item of await navigator.clipboard.read()) {
    const type = item.types.find((name) => name.startsWith("image/"));
    if (type) return item.getType(type);
  }
  throw new Error("There is no image on the clipboard. Copy one first.");
}
