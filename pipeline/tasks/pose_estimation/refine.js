/** Points made more exact by a map: the twin of refine.py. */
import { tableOf } from "../part.js";

/**
 * @template {{x: number, y: number}} P
 * @param {P[]} points as shares of the input
 * @param {import("../part.js").Outputs} outputs
 * @param {import("./options.js").Refinement} how
 * @returns {P[]}
 */
export function refine(points, outputs, how) {
  const [height, width] = outputs[how.output].shape.slice(-3);
  const { value } = tableOf(outputs, how, height * width);
  const around = (how.window - 1) >> 1;
  return points.map((point, part) => {
    const [x, y] = [point.x * width, point.y * height];
    if (!(x > -1 && x < width && y > -1 && y < height)) return point;
    const [column, row] = [Math.trunc(x), Math.trunc(y)];
    let [total, most, across, down] = [0, Number.NEGATIVE_INFINITY, 0, 0];
    for (let i = Math.max(row - around, 0); i <= Math.min(row + around, height - 1); i++)
      for (let j = Math.max(column - around, 0); j <= Math.min(column + around, width - 1); j++) {
        const sure = value(i * width + j, part);
        most = Math.max(most, sure);
        [total, across, down] = [total + sure, across + j * sure, down + i * sure];
      }
    if (!(most >= how.least && total > 0)) return point;
    return { ...point, x: across / total / width, y: down / total / height };
  });
}
