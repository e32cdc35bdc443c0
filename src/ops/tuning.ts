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
    sums: 'workgroup',
    together: 'all',
    longestSubmit: 50,
  },
  /**
   * A CPU that plays a GPU: every access to memory is checked and costs more than arithmetic, barriers cost most, a
   * dispatch nothing.
   */
  software: {
    conv2d: { rows: 1, columns: 8, quads: 2 },
    conv2d_grad_input: { rows: 1, columns: 8, quads: 2 },
    conv2d_grad_weight: { rows: 'one', columns: 4, quads: 2 },
    sums: 'invocation',
    together: 'sums',
    longestSubmit: Infinity,
  },
  /** Larger blocks with the rows of the kernel unrolled: fewest loads, most registers, longest to compile. */
  unrolled: {
    conv2d: { rows: 2, columns: 8, quads: 2 },
    conv2d_grad_input: { rows: 2, columns: 8, quads: 2 },
    conv2d_grad_weight: { rows: 'all', columns: 4, quads: 2 },
    sums: 'invocation',
    together: 'sums',
    longestSubmit: 50,
  },
} as const satisfies Record<string, Tuning>;

export type TuningName = keyof typeof TUNINGS;
export const TUNING_NAMES = Object.keys(TUNINGS) as TuningName[];

/** The tuning for an adapter of which no more is known than whether it computes on the CPU. */
export const tuningFor = ({ software }: { software: boolean }): TuningName =>
  software ? 'software' : 'gpu';
