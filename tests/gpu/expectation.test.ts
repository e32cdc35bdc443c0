/** What is expected of a network before it trains. */
import { expect, test, vi } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';
import { GpuNetwork } from '../../src/engine/network.ts';
import { experimentConfig } from '../../src/lab/config.ts';
import { specOf } from '../../src/lab/networks.ts';
import { expectationOf, timeNetwork } from '../../src/lab/expectation.ts';
import { TIMED, extrapolate } from '../../src/lab/timing.ts';
import type { TimedStep } from '../../src/lab/timing.ts';
import { buildGraph, stepFlops } from '../../src/network/graph.ts';
import { device } from './setup.ts';

const DATA = { channels: 3, height: 8, width: 8, classes: ['a', 'b', 'c'] };
const config = experimentConfig.parse({
  networks: ['residual-20', 'plain-32'],
  width: 4,
  size: 8,
  batch: 8,
});

test('two steps give a line, which never falls', () => {
  const [a, b] = [
    { flops: 10, milliseconds: 3 },
    { flops: 20, milliseconds: 5 },
  ];
  expect(extrapolate(a, b, 30)).toBeCloseTo(7);
  expect(extrapolate(a, b, 10)).toBeCloseTo(3);
  expect(extrapolate({ ...a, milliseconds: 6 }, b, 30)).toBe(5);
});

/** FLOPs and dispatches of a network's training step. */
async function workOf(id: string) {
  const gpu = new Gpu(device);
  const spec = specOf(id, config, DATA);
  const options = { batch: config.batch, seed: 1, rewirable: false };
  const network = await GpuNetwork.create(gpu, spec, options);
  const dispatches = network.program('train').pass.plan.dispatches.length;
  network.destroy();
  return { flops: stepFlops(buildGraph(spec, config.batch)), dispatches };
}

// Time itself is no matter for a test on a machine that does other work as well; the work that takes it is.
test.each([
  ['work', 1, 0],
  ['dispatches', 0, 1],
  ['both', 1e-6, 1],
])('were time made of %s, the expectation would be near it', async (_, perFlop, perDispatch) => {
  const time = async (id: string): Promise<TimedStep> => {
    const { flops, dispatches } = await workOf(id);
    return { flops, milliseconds: perFlop * flops + perDispatch * dispatches };
  };
  const expected = expectationOf(config, DATA, [await time(TIMED[0]), await time(TIMED[1])]);
  expect(Object.keys(expected)).toEqual(config.networks);
  for (const [id, tolerance] of [
    ['residual-20', 0.05],
    ['plain-32', 0.2],
  ] as const) {
    const { milliseconds } = await time(id);
    expect(Math.abs(expected[id]! / milliseconds - 1), id).toBeLessThan(tolerance);
  }
});

test('a network is timed and leaves nothing behind', async () => {
  const gpu = new Gpu(device);
  const step = await timeNetwork(gpu, 'residual-8', config, DATA);
  expect(step.milliseconds).toBeGreaterThan(0);
  expect(step.flops).toBe((await workOf('residual-8')).flops);
  expect(gpu.transient.bytes).toBe(0);
});

test('memory that runs out is told by its name, and nothing is left', async () => {
  const gpu = new Gpu(device);
  const pop = device.popErrorScope.bind(device);
  vi.spyOn(device, 'popErrorScope').mockImplementationOnce(async () => {
    await pop();
    return { message: 'no more' };
  });
  const timed = timeNetwork(gpu, 'residual-8', config, DATA);
  await expect(timed).rejects.toMatchObject({ code: 'out-of-memory' });
  expect(gpu.transient.bytes).toBe(0);
  // Both scopes are closed: there is none to pop.
  await expect(device.popErrorScope()).rejects.toThrow();
});
