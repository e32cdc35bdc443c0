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
   * Pixels that several invocations need:
   * - `load`: each loads them.
   * - `stage`: its workgroup stages them in its memory. Kernels of one tap, data gradients of a stride, and images that would leave
   *   workgroups half empty are loaded even so.
   * - `exchange`: of up to four neighbours each loads a part and has the rest from the others, in kernels that hold weights and in
   *   the weight gradient, where their vec4s of channels are enough; that needs the feature `subgroups`, and is as `load` where it is
   *   missing.
   */
  pixels: 'load' | 'stage' | 'exchange';
  /**
   * Channels that both images of a convolution have at least where it goes Winograd's way (shaders/conv2d_winograd.wgsl), forward
   * and for the gradient of the input, if it is one of 3×3 and stride 1.
   */
  winogradFrom: number;
  /**
   * The four rows of a 4×4 block of weights: every invocation loads all of them, or each of four loads one, which the first
   * four broadcast to all; that needs the feature `subgroups`, and is as `load` where it is missing.
   */
  weights: 'load' | 'broadcast';
  /**
   * 4×4 matrices of weights that one invocation holds while its pixels stream by, forward and, of stride 1, for the gradient of the
   * input, of convolutions over several taps; none where it loads them for every block of pixels.
   */
  held: number;
  /**
   * Invocations of a workgroup in kernels that hold weights and in the weight gradient. A CPU runs a workgroup on one core: there as many
   * as it runs as one vector. All others have 64, and so have all that run as one.
   */
  workgroupSize: number;
  /** What batch norms write, once, in place of a view that is computed wherever a convolution loads it: dL/d of their inputs, or all. */
  normsWrite: 'nothing' | 'gradients' | 'all';
  /** Sums over many pixels: a workgroup adds up its own in its memory, or every invocation writes what it has. */
  sums: 'workgroup' | 'invocation';
  /** Which neighbouring dispatches run as one, where they may: all of them, all but convolutions, or none. */
  together: 'all' | 'sums' | 'none';
  /**
   * Milliseconds that a submit may take. A GPU draws nothing else meanwhile, and its driver resets it after seconds; a
   * CPU that plays one can be interrupted at any time.
   */
  longestSubmit: number;
}

const GPU: Tuning = {
  conv2d: { rows: 1, columns: 8, quads: 2 },
  conv2d_grad_input: { rows: 1, columns: 8, quads: 2 },
  conv2d_grad_weight: { rows: 'one', columns: 4, quads: 1 },
  pixels: 'load',
  winogradFrom: Infinity,
  weights: 'load',
  held: 0,
  workgroupSize: 64,
  normsWrite: 'nothing',
  sums: 'workgroup',
  together: 'all',
  longestSubmit: 50,
};

const SOFTWARE: Tuning = {
  conv2d: { rows: 1, columns: 8, quads: 2 },
  conv2d_grad_input: { rows: 1, columns: 8, quads: 2 },
  conv2d_grad_weight: { rows: 'one', columns: 4, quads: 2 },
  pixels: 'exchange',
  winogradFrom: Infinity,
  weights: 'broadcast',
  held: 36,
  workgroupSize: 8,
  normsWrite: 'gradients',
  sums: 'invocation',
  together: 'sums',
  longestSubmit: Infinity,
};

/** All that there are, by name. The tests hold each to the reference. */
export const TUNINGS = {
  /** An ordinary GPU. */
  gpu: GPU,
  /** Blocks of a quarter the size: four times as many invocations, for a large GPU with little to do. */
  'gpu-small': {
    ...GPU,
    conv2d: { rows: 1, columns: 4, quads: 1 },
    conv2d_grad_input: { rows: 1, columns: 4, quads: 1 },
  },
  /** As `gpu`, with a quarter of the loads of weights. */
  'gpu-quad': { ...GPU, weights: 'broadcast' },
  /** Pixels staged in the memory of workgroups, for blocks that are narrower and of more channels. */
  'gpu-tile': {
    ...GPU,
    conv2d: { rows: 1, columns: 4, quads: 4 },
    conv2d_grad_input: { rows: 1, columns: 4, quads: 4 },
    pixels: 'stage',
  },
  /** As `gpu`, with fewer multiplications where channels are many enough to pay for more memory. */
  'gpu-winograd': { ...GPU, winogradFrom: 32 },
  /**
   * A CPU that plays a GPU: every access to memory is checked and costs more than arithmetic, barriers cost most, a
   * dispatch nothing.
   */
  software: SOFTWARE,
  /**
   * As `software`, for vectors of four: with many channels their time goes to multiplications, and Winograd has fewer.
   * SwiftShader, which has such vectors, runs both sides of a branch, so that kernels that run as one cost more than their sum.
   */
  quad: { ...SOFTWARE, workgroupSize: 4, winogradFrom: 64, normsWrite: 'all', together: 'none' },
  /** Larger blocks with the rows of the kernel unrolled: fewest loads, most registers, longest to compile. */
  unrolled: {
    ...SOFTWARE,
    conv2d: { rows: 2, columns: 8, quads: 2 },
    conv2d_grad_input: { rows: 2, columns: 8, quads: 2 },
    conv2d_grad_weight: { rows: 'all', columns: 4, quads: 2 },
    pixels: 'load',
    weights: 'load',
    held: 0,
    longestSubmit: 50,
  },
} satisfies Record<string, Tuning>;

/** The tuning as a device with these features has it. */
export const withFeatures = (tuning: Tuning, features: ReadonlySet<string>): Tuning =>
  features.has('subgroups')
    ? tuning
    : { ...tuning, weights: 'load', pixels: tuning.pixels === 'exchange' ? 'load' : tuning.pixels };

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
  const shared: TuningName[] = features.includes('subgroups') ? ['gpu-quad'] : [];
  return ['gpu', 'gpu-small', 'gpu-tile', 'gpu-winograd', ...shared];
}

/** The tuning for an adapter of which nothing was measured yet. */
export const tuningFor = (adapter: AdapterTraits): TuningName => candidatesFor(adapter)[0];
