/** A profile summed up for people: by layer along the depth of the network, and by kernel. */
import type { DispatchTime } from '../worker/protocol.ts';
import type { ExperimentConfig } from '../lab/config.ts';
import { barAt } from './drawing/strip.ts';
import type { Strip } from './drawing/strip.ts';
import { differences, isLive } from './settings.ts';

export const PASSES = ['forward', 'backward', 'update'] as const;
export type PassName = (typeof PASSES)[number];

/** Milliseconds spent for one layer. */
export type Column = { path: string } & Record<PassName, number>;

const PASS_OF: Record<DispatchTime['phase'], PassName> = {
  batch: 'forward',
  forward: 'forward',
  loss: 'forward',
  backward: 'backward',
  update: 'update',
};

/**
 * The layers with weights in the order of the forward pass, each with the norms and activations behind it; before
 * them `batch`, which puts the pictures together, and after them `loss` and `update`.
 */
export function columnsOf(dispatches: readonly DispatchTime[], strip: Strip): Column[] {
  const paths = ['batch', ...strip.bars.map(({ path }) => path), 'loss', 'update'];
  const columns = paths.map((path): Column => ({ path, forward: 0, backward: 0, update: 0 }));
  for (const { phase, path, nanoseconds } of dispatches) {
    const bar = phase === 'update' ? null : barAt(strip, path);
    const outside = phase === 'batch' ? 'batch' : phase === 'update' ? 'update' : 'loss';
    const column = columns[bar === null ? paths.indexOf(outside) : bar + 1];
    if (column) column[PASS_OF[phase]] += nanoseconds / 1e6;
  }
  return columns;
}

/** All dispatches of one kernel together. */
export interface KernelRow {
  kernel: string;
  dispatches: number;
  milliseconds: number;
  /** Of the time of all dispatches, 0…1. */
  share: number;
  /** Floating-point operations a second. */
  flops: number;
  /** Bytes a second, each tensor it binds counted once. */
  bandwidth: number;
}

/** The slowest first. */
export function kernelsOf(dispatches: readonly DispatchTime[]): KernelRow[] {
  const byKernel = new Map<string, DispatchTime[]>();
  for (const time of dispatches) {
    byKernel.set(time.entry, [...(byKernel.get(time.entry) ?? []), time]);
  }
  const all = sum(dispatches, 'nanoseconds');
  return [...byKernel]
    .map(([kernel, times]): KernelRow => {
      const nanoseconds = sum(times, 'nanoseconds');
      return {
        kernel,
        dispatches: times.length,
        milliseconds: nanoseconds / 1e6,
        share: nanoseconds / all,
        flops: sum(times, 'flops') / (nanoseconds / 1e9),
        bandwidth: sum(times, 'bytes') / (nanoseconds / 1e9),
      };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

export function sum(times: readonly DispatchTime[], of: 'nanoseconds' | 'flops' | 'bytes'): number {
  return times.reduce((total, time) => total + time[of], 0);
}

/** Whether a step is the same work under both: what may change in mid-run changes none, nor do these. */
export function isSameWork(a: ExperimentConfig, b: ExperimentConfig): boolean {
  return differences(a, b).every(
    (name) => isLive(name) || name === 'networks' || name === 'steps' || name === 'seed',
  );
}
