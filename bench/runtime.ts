/** What the command needs of a place to measure in; there are two, bench/browser.ts and bench/node.ts. */
import type { DeviceDescription } from '../src/engine/gpu/device.ts';
import type { BenchConfig } from './config.ts';
import type { KernelsResult } from './kernels.ts';
import type { Choices, ConfigResult, Request } from './measure.ts';
import type { Peaks } from '../src/engine/peaks.ts';

export interface Runtime {
  /** What a person reads: the browser and its version, or Node's. */
  title: string;
  peaks(): Promise<{ adapter: DeviceDescription; peaks: Peaks }>;
  kernels(config: BenchConfig, rounds: number, choices: Choices): Promise<KernelsResult>;
  measure(request: Request, report: (line: string) => void): Promise<ConfigResult>;
  close(): Promise<void>;
}

export interface RuntimeOptions {
  /** `default`, `swiftshader`, `lavapipe`; in Node, where it is absent, the first that works. */
  adapter: string | undefined;
  /** In a window, where the runtime has one. */
  headed: boolean;
  /** Packages that will be needed beside our own code. */
  packages: readonly string[];
}
