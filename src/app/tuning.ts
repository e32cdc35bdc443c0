/** Which variants of the kernels to take: pinned by the reader, or found fastest on an adapter; kept, and part of no link. */
import { z } from 'zod';
import { TUNING_NAMES } from '../ops/tuning.ts';
import type { TuningWishes } from '../worker/protocol.ts';
import type { ProfilerStore } from './profiler.ts';
import type { LabStore } from './store.ts';
import { isTraining } from './store.ts';
import { readJson, writePreference } from './preferences.ts';

const wishes = z.object({
  pinned: z.enum(TUNING_NAMES).nullable(),
  measured: z.record(z.string(), z.enum(TUNING_NAMES)),
});

/** Nothing is pinned or known where nothing valid is kept. */
export function keptWishes(): TuningWishes {
  const kept = wishes.safeParse(readJson('tuning'));
  return kept.success ? kept.data : { pinned: null, measured: {} };
}

export function keepWishes(kept: TuningWishes): void {
  writePreference('tuning', JSON.stringify(kept));
}

/**
 * On a GPU where nothing was measured and nothing is pinned, tries the variants once: when a run is paused or over, so that
 * nobody waits. On an adapter that computes on the CPU, where that takes a minute, only the reader begins it.
 */
export function tuneOnce(lab: LabStore, profiler: ProfilerStore): void {
  const stop = lab.subscribe((state, before) => {
    const { run, device, tuning, config, keepTuning } = state;
    const rests = isTraining(before.run) && (run === 'paused' || run === 'finished');
    if (!rests || !device || tuning?.reason !== 'adapter' || tuning.candidates.length < 2) return;
    if (device.software || profiler.getState().trying) return;
    stop();
    void profiler
      .getState()
      .tryTunings(config)
      .then((best) => best && keepTuning(tuning.adapter, best));
  });
}
