/** Measures in this process, on Dawn. */
import { openDevice } from '../src/cli/adapter.ts';
import { tuningFor } from '../src/ops/tuning.ts';
import { measureKernels } from './kernels.ts';
import { measure } from './measure.ts';
import { measurePeaks } from '../src/engine/peaks.ts';
import type { Runtime, RuntimeOptions } from './runtime.ts';

export async function openNode({ adapter }: RuntimeOptions): Promise<Runtime> {
  const { device, description } = await openDevice(adapter);
  await giveNavigator();
  return {
    title: `Node ${process.versions.node}`,
    peaks: async () => ({ adapter: description, peaks: await measurePeaks(device) }),
    kernels: (config, rounds, tuning = tuningFor(description)) =>
      measureKernels(config, { runtime: 'node', device, tuning }, rounds),
    measure: (request, report) =>
      measure(
        request,
        { runtime: 'node', device, tuning: request.tuning ?? tuningFor(description) },
        report,
      ),
    close: async () => device.destroy(),
  };
}

/** Peers look for WebGPU where a browser has it. `openDevice` has chosen the driver for the whole process. */
async function giveNavigator(): Promise<void> {
  const { create } = await import('webgpu');
  const navigator = { gpu: create([]), userAgent: `Node ${process.versions.node}` };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}
