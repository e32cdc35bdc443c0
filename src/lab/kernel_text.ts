/** The WGSL of what ran, as the chapters show it. */
import { sourceOf } from '../engine/gpu/kernels.ts';
import type { Dispatch, Phase } from '../engine/graph/lower.ts';

/** A kernel that took part in an answer. */
export interface KernelText {
  /** `shader/entry`. */
  name: string;
  phase: Phase;
  workgroups: readonly [number, number, number];
  wgsl: string;
}

export const textsOf = (dispatches: readonly Dispatch[]): KernelText[] =>
  dispatches.map((dispatch) => ({
    name: `${dispatch.shader}/${dispatch.entry}`,
    phase: dispatch.phase,
    workgroups: dispatch.workgroups,
    wgsl: sourceOf(dispatch),
  }));

/** Layers of one shape run on the same kernels: each once. */
export const distinct = (texts: readonly KernelText[]): KernelText[] => [
  ...new Map(texts.map((text) => [text.name + text.wgsl, text])).values(),
];
