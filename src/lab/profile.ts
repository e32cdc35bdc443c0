/** Where a training step of one network spends its time and memory, beside what the device can do at most. */
import type { GpuNetwork } from '../engine/network.ts';
import { memoryOf } from '../engine/memory.ts';
import type { MemoryUse } from '../engine/memory.ts';
import type { Peaks } from '../engine/peaks.ts';
import { profile, timeStep } from '../engine/profile.ts';
import type { Profile, ProfileOptions } from '../engine/profile.ts';

export interface NetworkMeasurement extends Profile {
  /** Of a whole step, its dispatches not timed apart. */
  stepMilliseconds: number;
  memory: MemoryUse;
  peaks: Peaks;
}

/** Rounds of the profile take about so long together, in milliseconds. */
const LONG_ENOUGH = 1000;
const ROUNDS = { least: 3, most: 40 };

/** Measures one step of `network`, and leaves its training as it was. */
export async function profileNetwork(
  network: GpuNetwork,
  step: Pick<ProfileOptions, 'scalars' | 'indices'>,
): Promise<NetworkMeasurement> {
  const peaks = await network.gpu.peaks();
  const stepMilliseconds = await timeStep(network, step);
  const rounds = Math.round(LONG_ENOUGH / stepMilliseconds);
  const times = await profile(network, {
    ...step,
    rounds: Math.min(ROUNDS.most, Math.max(ROUNDS.least, rounds)),
  });
  return { ...times, stepMilliseconds, memory: memoryOf(network), peaks };
}
