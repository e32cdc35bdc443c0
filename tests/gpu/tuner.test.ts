/** Which variants of the kernels are found best on a device. */
import { afterEach, expect, test, vi } from 'vitest';
import { GpuNetwork } from '../../src/engine/network.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import { tryTunings } from '../../src/lab/tuner.ts';
import type { Trial } from '../../src/lab/tuner.ts';
import { device } from './setup.ts';

const DATA = { channels: 3, height: 8, width: 8, classes: ['a', 'b', 'c'] };
const config = experimentConfig.parse({ width: 4, size: 8, batch: 8 });

afterEach(() => void vi.restoreAllMocks());

async function trials(): Promise<Trial[]> {
  const found: Trial[] = [];
  for await (const trial of tryTunings(device, ['software', 'gpu'], config, DATA))
    found.push(trial);
  return found;
}

test('variants that are right are timed', async () => {
  const found = await trials();
  expect(found.map(({ tuning }) => tuning)).toEqual(['software', 'gpu']);
  for (const { milliseconds, error, failure } of found) {
    expect(failure).toBeUndefined();
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(1);
    expect(milliseconds).toBeGreaterThan(0);
  }
});

test('one whose gradients are off is not timed, and one that is refused says why', async () => {
  const { readGradients } = GpuNetwork.prototype;
  vi.spyOn(GpuNetwork.prototype, 'readGradients').mockImplementationOnce(async function (
    this: GpuNetwork,
  ) {
    const gradients = await readGradients.call(this);
    const conv = gradients.get('conv1.weight')!;
    conv[0] = (conv[0] ?? 0) + 0.01;
    // The next to be created is refused.
    vi.spyOn(GpuNetwork, 'create').mockRejectedValueOnce(new Error('no such feature'));
    return gradients;
  });
  const [wrong, refused] = await trials();
  expect(wrong).toMatchObject({ tuning: 'software', milliseconds: null });
  expect(wrong!.error).toBeGreaterThan(1);
  expect(refused).toEqual({
    tuning: 'gpu',
    milliseconds: null,
    error: Infinity,
    failure: 'no such feature',
  });
});
