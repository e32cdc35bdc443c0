/** Numbers as the readings show them. */
/** A number in three digits, by its power of ten where it is far from 1: 0.0132, 4.1e-9. */
export function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 0.001 && size < 1000 ? value.toPrecision(3) : value.toExponential(1);
}

/** A number in so many decimals, with a real minus; what rounds to zero has no sign. */
export const decimals = (value: number, digits: number): string =>
  value
    .toFixed(digits)
    .replace(/^-(0\.0*)$/, '$1')
    .replace('-', '−');
