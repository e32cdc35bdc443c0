/** Which tuning is taken: the pinned one, the fastest one, or the usual one for an adapter. */
import { expect, test } from 'vitest';
import { chooseTuning, fastest } from '../../src/lab/tuner.ts';
import type { Trial } from '../../src/lab/tuner.ts';
import { TUNINGS, candidatesFor, withFeatures } from '../../src/ops/tuning.ts';

const adapter = {
  vendor: 'nvidia',
  architecture: 'ada',
  description: '',
  software: false,
  subgroupSize: 32,
  features: ['subgroups'],
};
const swiftshader = { ...adapter, vendor: 'google', software: true, subgroupSize: 4 };
const none = { pinned: null, measured: {} };
const trial = (tuning: Trial['tuning'], milliseconds: number | null): Trial => ({
  tuning,
  milliseconds,
  error: milliseconds === null ? 3 : 0.5,
});

test('what is worth trying depends on the adapter', () => {
  const common = ['gpu', 'gpu-small', 'gpu-tile', 'gpu-winograd'];
  expect(candidatesFor(adapter)).toEqual([...common, 'gpu-quad']);
  expect(candidatesFor({ ...adapter, features: [] })).toEqual(common);
  expect(candidatesFor(swiftshader)).toEqual(['quad', 'software']);
  expect(candidatesFor({ ...swiftshader, subgroupSize: 8 })).toEqual(['software']);
});

test('weights are not broadcast, nor pixels exchanged, where there are no subgroups', () => {
  expect(withFeatures(TUNINGS.quad, new Set(['subgroups'])).weights).toBe('broadcast');
  expect(withFeatures(TUNINGS.quad, new Set())).toEqual({
    ...TUNINGS.quad,
    weights: 'load',
    pixels: 'load',
  });
});

test('the fastest that is right wins, if it is clearly faster than the first', () => {
  expect(fastest([trial('gpu', 10), trial('gpu-small', 7), trial('gpu-quad', 6)])).toBe('gpu-quad');
  expect(fastest([trial('gpu', 10), trial('gpu-small', 9.8)])).toBe('gpu');
  expect(fastest([trial('gpu', 10), trial('gpu-small', null)])).toBe('gpu');
  expect(fastest([trial('gpu', null), trial('gpu-small', 20)])).toBe('gpu-small');
  expect(fastest([trial('gpu', null)])).toBeNull();
});

test('pinned goes before measured, measured before usual, and each adapter has its own', () => {
  expect(chooseTuning(adapter, none)).toMatchObject({ tuning: 'gpu', reason: 'adapter' });
  const { adapter: key } = chooseTuning(adapter, none);
  const measured = { [key]: 'gpu-small' } as const;
  expect(chooseTuning(adapter, { ...none, measured })).toMatchObject({
    tuning: 'gpu-small',
    reason: 'measured',
  });
  expect(chooseTuning(swiftshader, { ...none, measured })).toMatchObject({ tuning: 'quad' });
  expect(chooseTuning(adapter, { pinned: 'software', measured })).toMatchObject({
    tuning: 'software',
    reason: 'pinned',
  });
});
