/**
 * The plan of a pass: every transient tensor gets a buffer by liveness.
 *
 * A tensor lives from the dispatch that first touches it to the one that last does. Tensors whose lives do
 * not overlap may share a buffer. Buffers are separate GPUBuffers rather than ranges of one, because
 * WebGPU forbids one buffer to be read and written in one dispatch, even at disjoint ranges; with
 * inclusive lifetimes, two tensors of one dispatch never share.
 *
 * Assignment is "greedy by size" of Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural
 * Net Inference" (arXiv 2001.03288): largest tensor first, into the buffer that fits it most tightly.
 */
import { storedElements } from '../../ops/tensor.ts';
import type { Tensor } from '../../ops/tensor.ts';
import type { Dispatch } from './lower.ts';

export interface Plan {
  dispatches: readonly Dispatch[];
  /** Which buffer each transient tensor lies in. */
  buffers: ReadonlyMap<Tensor, number>;
  /** Bytes of each buffer, largest first. */
  sizes: readonly number[];
  /** The most bytes of transient tensors that are alive at once: no plan can need less. */
  lowerBound: number;
}

export const bytesOf = (tensor: Tensor): number =>
  (storedElements(tensor) * (tensor.bits ?? 32)) / 8;

/** First and last dispatch that touches a tensor, inclusive. */
export interface Lifetime {
  tensor: Tensor;
  bytes: number;
  first: number;
  last: number;
}

/** Lifetimes of all transient tensors. `kept` are read after the pass and live to its end. */
export function lifetimes(dispatches: readonly Dispatch[], kept: readonly Tensor[]): Lifetime[] {
  const lives = new Map<Tensor, Lifetime>();
  dispatches.forEach(({ bindings }, index) => {
    for (const { tensor } of bindings) {
      if (tensor.storage !== 'transient') continue;
      const life = lives.get(tensor);
      if (life) life.last = index;
      else lives.set(tensor, { tensor, bytes: bytesOf(tensor), first: index, last: index });
    }
  });
  for (const tensor of kept) {
    const life = lives.get(tensor);
    if (life) life.last = dispatches.length;
  }
  return [...lives.values()];
}

/** Assigns buffers. With `reuse: false` every tensor has one of its own (to test against). */
export function plan(
  dispatches: readonly Dispatch[],
  kept: readonly Tensor[],
  { reuse = true }: { reuse?: boolean } = {},
): Plan {
  const lives = lifetimes(dispatches, kept).sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  const buffers = new Map<Tensor, number>();
  const sizes: number[] = [];
  const tenants: Lifetime[][] = [];
  for (const life of lives) {
    // Sizes only fall from here on, so a buffer that is free fits, and the last one fits most tightly.
    const overlaps = (other: Lifetime) => other.first <= life.last && life.first <= other.last;
    const index = reuse ? tenants.findLastIndex((residents) => !residents.some(overlaps)) : -1;
    if (index >= 0) {
      tenants[index]?.push(life);
      buffers.set(life.tensor, index);
    } else {
      buffers.set(life.tensor, sizes.length);
      sizes.push(life.bytes);
      tenants.push([life]);
    }
  }
  return { dispatches, buffers, sizes, lowerBound: peakBytes(lives, dispatches.length) };
}

function peakBytes(lives: readonly Lifetime[], length: number): number {
  const change = new Array<number>(length + 2).fill(0);
  for (const { first, last, bytes } of lives) {
    change[first] = (change[first] ?? 0) + bytes;
    change[last + 1] = (change[last + 1] ?? 0) - bytes;
  }
  let alive = 0;
  return change.reduce((peak, delta) => Math.max(peak, (alive += delta)), 0);
}
