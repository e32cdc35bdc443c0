/**
 * Defaults that depend on the machine.
 */
import type { ExperimentConfig } from './config.ts';

/**
 * What to choose instead of the schema's defaults on this adapter, where a person chose nothing.
 *
 * A software adapter (SwiftShader, lavapipe, WARP) computes on the CPU, some hundred times slower
 * than a GPU. At width 4 a step costs a quarter of one at width 8, and 240 steps still show the deeper
 * plain network losing on the training set, within ten minutes on two cores.
 */
export function machineDefaults(device: { software: boolean }): Partial<ExperimentConfig> {
  return device.software ? { width: 4, steps: 240 } : {};
}
