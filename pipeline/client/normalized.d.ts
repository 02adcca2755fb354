/**
 * The same answers with places as shares of the image, 0 to 1: boxes and points by its width and height,
 * depths by its width. What is in metres (`keypoints3D`) stays, and all else. Throws a `ModelError` with
 * the code `input` where the size is not known.
 *
 *     const objects = normalized(await model.detect(image));
 *
 * @param size in pixels; answers of a method know it, one of them alone does not.
 */
export function normalized<A extends object>(
  answers: A,
  size?: { width: number; height: number },
): A;
