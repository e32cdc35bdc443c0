/** IEEE 754 binary16, which engines of JavaScript do not all know as Float16Array. */

/** The number that these 16 bits mean. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The 16 bits of the nearest number; of two equally near ones the even one. */
export function floatToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  // The last place of a number of this size: subnormal numbers share that of the smallest normal one.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const places = roundToEven(size / 2 ** (exponent - 10));
  return sign | (places + (exponent + 14) * 1024);
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
