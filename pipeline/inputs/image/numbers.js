/**
 * The nearest whole number; halves go to the even side, as NumPy's do.
 * @param {number} value
 */
export function even(value) {
  const round = Math.round(value);
  return round - value === 0.5 && round % 2 ? round - 1 : round;
}
