/**
 * What deviations to expect in wide layers of independent weights: z is normal there, so each layer's deviation follows from that of the layer
 * before (He et al. 2015, "Delving Deep into Rectifiers", section 2.2; for tanh, Poole et al. 2016, "Exponential
 * expressivity", equations 3 to 5).
 */
export const ACTIVATIONS = ['relu', 'tanh', 'identity'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

export const RULES = ['small', 'large', 'xavier', 'kaiming', 'free'] as const;
export type Rule = (typeof RULES)[number];

/** σ of the weights by each rule; `free` is what the slider says. */
export function sigmaOf(rule: Rule, width: number, free: number): number {
  return {
    small: 0.01,
    large: 0.05,
    xavier: Math.sqrt(1 / width),
    kaiming: Math.sqrt(2 / width),
    free,
  }[rule];
}

const FUNCTIONS: Record<Activation, { f: (z: number) => number; slope: (z: number) => number }> = {
  relu: { f: (z) => Math.max(0, z), slope: (z) => (z > 0 ? 1 : 0) },
  tanh: { f: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 },
  identity: { f: (z) => z, slope: () => 1 },
};

/** E[g(z)] for z ~ N(0, 1), by the midpoint rule, which never meets ReLU's kink at 0. */
function expectation(g: (z: number) => number): number {
  const [reach, step] = [9, 0.01];
  let sum = 0;
  for (let z = -reach + step / 2; z < reach; z += step) sum += g(z) * Math.exp((-z * z) / 2);
  return (sum * step) / Math.sqrt(2 * Math.PI);
}

export interface Prediction {
  /** Deviation of each layer's output, the input (1) first. */
  forward: number[];
  /** Deviation of dL/dh of each layer, that of the last being 1. */
  backward: number[];
}

export function predict(
  activation: Activation,
  { width, depth, std }: { width: number; depth: number; std: number },
): Prediction {
  const { f, slope } = FUNCTIONS[activation];
  const gain = std * Math.sqrt(width);
  const forward = [1];
  const shrinks: number[] = [];
  let rms = 1;
  for (let layer = 1; layer <= depth; layer++) {
    const s = gain * rms;
    const mean = expectation((z) => f(s * z));
    rms = Math.sqrt(expectation((z) => f(s * z) ** 2));
    forward.push(Math.sqrt(Math.max(0, rms ** 2 - mean ** 2)));
    shrinks.push(gain * Math.sqrt(expectation((z) => slope(s * z) ** 2)));
  }
  const backward = shrinks.reduceRight<number[]>(
    (later, shrink) => [(later[0] ?? 1) * shrink, ...later],
    [1],
  );
  return { forward, backward };
}
