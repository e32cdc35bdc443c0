/** The page in which contenders run: it waits for bench/browser.ts to call what is set here. */
import { requestDevice } from '../src/engine/gpu/device.ts';
import type { DeviceDescription } from '../src/engine/gpu/device.ts';
import { tuningFor } from '../src/ops/tuning.ts';
import type { BenchConfig } from './config.ts';
import type { Place } from './contender.ts';
import { measureKernels } from './kernels.ts';
import type { KernelsResult } from './kernels.ts';
import { measure } from './measure.ts';
import type { Choices, ConfigResult, Request } from './measure.ts';
import { measurePeaks } from '../src/engine/peaks.ts';
import type { Peaks } from '../src/engine/peaks.ts';

export interface BenchPage {
  /** The adapter, and what it can do at most. */
  peaks: () => Promise<{ adapter: DeviceDescription; peaks: Peaks }>;
  kernels: (config: BenchConfig, rounds: number, choices: Choices) => Promise<KernelsResult>;
  measure: (request: Request) => Promise<ConfigResult>;
}

declare global {
  var bench: BenchPage;
  /** Set by bench/browser.ts: where progress is told. */
  var report: (line: string) => void;
}

const log = document.querySelector('#log');
const say = (line: string) => {
  log?.append(`${line}\n`);
  globalThis.report(line);
};

async function placeOf({ tuning, storage }: Choices): Promise<Place> {
  const { device, description } = await requestDevice(navigator.gpu);
  return { runtime: 'browser', device, tuning: tuning ?? tuningFor(description), storage };
}

globalThis.bench = {
  peaks: async () => {
    const { device, description } = await requestDevice(navigator.gpu);
    const peaks = await measurePeaks(device);
    device.destroy();
    return { adapter: description, peaks };
  },
  kernels: async (config, rounds, choices) =>
    measureKernels(config, await placeOf(choices), rounds),
  measure: async (request) => measure(request, await placeOf(request), say),
};
