/** The page in which contenders run: it waits for bench/browser.ts to call what is set here. */
import { requestDevice } from '../src/engine/gpu/device.ts';
import type { DeviceDescription } from '../src/engine/gpu/device.ts';
import { tuningFor } from '../src/ops/tuning.ts';
import type { TuningName } from '../src/ops/tuning.ts';
import type { BenchConfig } from './config.ts';
import { measureKernels } from './kernels.ts';
import type { KernelsResult } from './kernels.ts';
import { measure } from './measure.ts';
import type { ConfigResult, Request } from './measure.ts';
import { measurePeaks } from '../src/engine/peaks.ts';
import type { Peaks } from '../src/engine/peaks.ts';

export interface BenchPage {
  /** The adapter, and what it can do at most. */
  peaks: () => Promise<{ adapter: DeviceDescription; peaks: Peaks }>;
  kernels: (config: BenchConfig, rounds: number, tuning?: TuningName) => Promise<KernelsResult>;
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

globalThis.bench = {
  peaks: async () => {
    const { device, description } = await requestDevice(navigator.gpu);
    const peaks = await measurePeaks(device);
    device.destroy();
    return { adapter: description, peaks };
  },
  kernels: async (config, rounds, given) => {
    const { device, description } = await requestDevice(navigator.gpu);
    const tuning = given ?? tuningFor(description);
    return measureKernels(config, { runtime: 'browser', device, tuning }, rounds);
  },
  measure: async (request) => {
    const { device, description } = await requestDevice(navigator.gpu);
    const tuning = request.tuning ?? tuningFor(description);
    return measure(request, { runtime: 'browser', device, tuning }, say);
  },
};
