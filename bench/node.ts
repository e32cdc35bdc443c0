/** Measures in this process, on Dawn. */
import { openDevice } from '../src/cli/adapter.ts';
import { tuningFor } from '../src/ops/tuning.ts';
import { measureKernels } from './kernels.ts';
import { measure } from './measure.ts';
import type { Choices } from './measure.ts';
import type { Place } from './contender.ts';
import { measurePeaks } from '../src/engine/peaks.ts';
import type { Runtime, RuntimeOptions } from './runtime.ts';

export async function openNode({ adapter }: RuntimeOptions): Promise<Runtime> {
  const { device, description } = await openDevice(adapter);
  await giveNavigator();
  const placeOf = ({ tuning = tuningFor(description), storage }: Choices): Place => ({
    runtime: 'node',
    device,
    tuning,
    storage,
  });
  return {
    title: `Node ${process.versions.node}`,
    peaks: async () => ({ adapter: description, peaks: await measurePeaks(device) }),
    kernels: (config, rounds, choices) => measureKernels(config, placeOf(choices), rounds),
    measure: (request, report) => measure(request, placeOf(request), report),
    close: async () => device.destroy(),
  };
}

/** Peers look for WebGPU where a browser has it. `openDevice` has chosen the driver for the whole process. */
async function giveNavigator(): Promise<void> {
  const { create } = await import('webgpu');
  const navigator = { gpu: create([]), userAgent: `Node ${process.versions.node}` };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}
