/** What a step of the network on the board would take, from the times of two known ones on this device. */
import type { ExperimentConfig } from '../../lab/config.ts';
import { specOf } from '../../lab/networks.ts';
import { TIMED, extrapolate } from '../../lab/timing.ts';
import { buildGraph, stepFlops } from '../../network/graph.ts';
import type { DatasetDescription } from '../../worker/protocol.ts';
import { isSameWork } from '../profile.ts';
import type { TimedDevice } from '../profiler.ts';

/**
 * Milliseconds of a step over a batch; null where the device was timed at other settings.
 *
 * @param flops of the training step of one image
 */
export function stepTime(
  timed: TimedDevice,
  config: ExperimentConfig,
  dataset: Pick<DatasetDescription, 'channels' | 'classes'> | undefined,
  flops: number,
): number | null {
  if (!isSameWork(timed.config, config)) return null;
  const { size, batch } = config;
  const classes = dataset?.classes ?? Array.from({ length: 10 }, String);
  const data = { channels: dataset?.channels ?? 3, height: size, width: size, classes };
  const [a, b] = TIMED.map((id) => ({
    flops: stepFlops(buildGraph(specOf(id, config, data), batch)),
    milliseconds: timed.milliseconds[id] ?? NaN,
  }));
  return a && b ? extrapolate(a, b, batch * flops) : null;
}
