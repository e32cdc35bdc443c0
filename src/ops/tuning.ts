/**
 * Choices between ways to compute the same thing: which is best depends on the device. Results differ in the order of
 * their sums at most.
 */

/** What one invocation computes. */
export interface Block {
  /** Rows of pixels; several are unrolled together with those of the kernel. */
  rows: number;
  /** Neighbouring pixels of a row, at most. */
  columns: number;
  /** vec4s of channels, at most. */
  quads: number;
}

/** The variant of each kind of kernel. */
export interface Tuning {
  conv2d: Block;
  conv2d_grad_input: Block;
  conv2d_grad_weight: {
    /** Rows of the kernel that one invocation sums. */
    rows: 'one' | 'all';
    /** Output pixels in one turn of the loop. */
    columns: 4 | 8;
    /** vec4s of output channels, at most. */
    quads: 1 | 2;
  };
  /**
   * How many invocations of a subgroup share the loads of weights, which are the same for all of them: each loads one vec4 and
   * broadcasts it to the others. 1 where every invocation loads all, and where the device has no such subgroups.
   */
  sharers: 1 | 4 | 8;
  /** dL/d of a batch norm's input: a view of two tensors, computed wherever a convolution loads it, or written once. */
  normGradients: 'loaded' | 'written';
  /** Sums over many pixels: a workgroup adds up its own in its memory, or every invocation writes what it has. */
  sums: 'workgroup' | 'invocation';
  /** Which neighbouring dispatches run as one, where they may: all of them, or convolutions each alone. */
  together: 'all' | 'sums';
  /**
   * Milliseconds that a submit may take. A GPU draws nothing else meanwhile, and its driver resets it after seconds; a
   * CPU that plays one can be interrupted at any time.
   */
  longestSubmit: number;
}

/** All that there are, by name. The tests hold each to the reference. */
export const TUNINGS = {
  /** An ordinary GPU. */
  gpu: {
    conv2d: { rows: 1, columns: 8, quads: 2 },
    conv2d_grad_input: { rows: 1, columns: 8, quads: 2 },
    conv2d_grad_weight: { rows: 'one', columns: 4, quads: 1 },
    sharers: 1,
    normGradients: 'loaded',
    sums: 'workgroup',
    together: 'all',
    longestSubmit: 50,
  },
  /** Blocks of a quarter the size: four times as many invocations, for a large GPU with little to do. */
  'gpu-small': {
    conv2d: { rows: 1, columns: 4, quads: 1 },
    conv2d_grad_input: { rows: 1, columns: 4, quads: 1 },
    conv2d_grad_weight: { rows: 'one', columns: 4, quads: 1 },
    sharers: 1,
    normGradients: 'loaded',
    sums: 'workgroup',
    together: 'all',
    longestSubmit: 50,
  },
  /** As `gpu`, with a quarter of the loads of weights. */
  'gpu-quad': {
    conv2d: { rows: 1, columns: 8, quads: 2 },
    conv2d_grad_input: { rows: 1, columns: 8, quads: 2 },
    conv2d_grad_weight: { rows: 'one', columns: 4, quads: 1 },
    sharers: 4,
    normGradients: 'loaded',
    sums: 'workgroup',
    together: 'all',
    longestSubmit: 50,
  },
  /**
   * A CPU that plays a GPU: every access to memory is checked and costs more than arithmetic, barriers cost most, a
   * dispatch nothing. Eight invocations are one vector of the processor.
   */
  software: {
    conv2d: { rows: 1, columns: 8, quads: 4 },
    conv2d_grad_input: { rows: 1, columns: 8, quads: 4 },
    conv2d_grad_weight: { rows: 'one', columns: 4, quads: 2 },
    sharers: 8,
    normGradients: 'written',
    sums: 'invocation',
    together: 'sums',
    longestSubmit: Infinity,
  },
  /** As `software`, where four invocations are one vector: smaller blocks, which compile faster. */
  quad: {
    conv2d: { rows: 1, columns: 8, quads: 2 },
    conv2d_grad_input: { rows: 1, columns: 8, quads: 2 },
    conv2d_grad_weight: { rows: 'one', columns: 4, quads: 2 },
    sharers: 4,
    normGradients: 'written',
    sums: 'invocation',
    together: 'sums',
    longestSubmit: Infinity,
  },
  /** Larger blocks with the rows of the kernel unrolled: fewest loads, most registers, longest to compile. */
  unrolled: {
    conv2d: { rows: 2, columns: 8, quads: 2 },
    conv2d_grad_input: { rows: 2, columns: 8, quads: 2 },
    conv2d_grad_weight: { rows: 'all', columns: 4, quads: 2 },
    sharers: 1,
    normGradients: 'written',
    sums: 'invocation',
    together: 'sums',
    longestSubmit: 50,
  },
} as const satisfies Record<string, Tuning>;

/** The tuning as a device with these features, and subgroups of at least this size, has it. */
export function onDevice(
  tuning: Tuning,
  { features, subgroupSize }: Pick<AdapterTraits, 'features' | 'subgroupSize'>,
): Tuning {
  const most = features.includes('subgroups') ? subgroupSize : 1;
  const sharers = ([8, 4] as const).find((count) => count <= Math.min(most, tuning.sharers)) ?? 1;
  return { ...tuning, sharers };
}

export type TuningName = keyof typeof TUNINGS;
export const TUNING_NAMES = Object.keys(TUNINGS) as TuningName[];

/** What the choice depends on where nothing was measured. */
export interface AdapterTraits {
  software: boolean;
  subgroupSize: number;
  features: readonly string[];
}

/** The tunings worth trying on an adapter; the first is taken where nothing was measured. */
export function candidatesFor({
  software,
  subgroupSize,
  features,
}: AdapterTraits): [TuningName, ...TuningName[]] {
  if (software) return subgroupSize === 4 ? ['quad', 'software'] : ['software'];
  return features.includes('subgroups') ? ['gpu', 'gpu-small', 'gpu-quad'] : ['gpu', 'gpu-small'];
}

/** The tuning for an adapter of which nothing was measured yet. */
export const tuningFor = (adapter: AdapterTraits): TuningName => candidatesFor(adapter)[0];
