/**
 * Counter-based random numbers: a number depends on its key alone, never on what was drawn before, so
 * the same seed gives the same run whatever else goes on.
 *
 * PCG4D of Jarzynski & Olano 2020, "Hash Functions for GPU Rendering" (JCGT 9(3)); the same function
 * stands in `shaders/random.wgsl`.
 */

/** The hash: four 32-bit words in, four out (written into `out`). */
export function pcg4d(x: number, y: number, z: number, w: number, out: Uint32Array): Uint32Array {
  const step = (v: number) => (Math.imul(v, 1664525) + 1013904223) >>> 0;
  let a = step(x);
  let b = step(y);
  let c = step(z);
  let d = step(w);
  for (let round = 0; round < 2; round++) {
    a = (a + Math.imul(b, d)) >>> 0;
    b = (b + Math.imul(c, a)) >>> 0;
    c = (c + Math.imul(a, b)) >>> 0;
    d = (d + Math.imul(b, c)) >>> 0;
    if (round === 0) {
      a = (a ^ (a >>> 16)) >>> 0;
      b = (b ^ (b >>> 16)) >>> 0;
      c = (c ^ (c >>> 16)) >>> 0;
      d = (d ^ (d >>> 16)) >>> 0;
    }
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
  return out;
}

const words = new Uint32Array(4);

/** One 32-bit word for (seed, stream, index). */
export function hash(seed: number, stream: number, index: number): number {
  return pcg4d(seed, stream, index, 0, words)[0] ?? 0;
}

/** Uniform on [0, 1). */
export function uniform(seed: number, stream: number, index: number): number {
  return hash(seed, stream, index) / 2 ** 32;
}

/** Standard normal, by Box & Muller 1958. */
export function normal(seed: number, stream: number, index: number): number {
  const [a = 0, b = 0] = pcg4d(seed, stream, index, 1, words);
  const radius = Math.sqrt(-2 * Math.log((a + 1) / 2 ** 32));
  return radius * Math.cos((2 * Math.PI * b) / 2 ** 32);
}

/** A stream of its own for every name (FNV-1a). */
export function streamOf(name: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    value = Math.imul(value ^ name.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}

/** Permutes `values` in place (Fisher–Yates); allocates nothing. */
export function shuffle(values: Uint32Array, seed: number, stream: number): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, stream, i) * (i + 1));
    const held = values[i] ?? 0;
    values[i] = values[j] ?? 0;
    values[j] = held;
  }
}
