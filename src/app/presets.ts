/** Experiments of which the page says what to expect before they start. */
import type { ExperimentConfig } from '../lab/config.ts';
import { machineDefaults } from '../lab/defaults.ts';
import { DEFAULTS } from './settings.ts';

export const PRESETS = ['present', 'small', 'paper'] as const;
export type PresetName = (typeof PRESETS)[number];

/** The configuration of a preset where `present` is the one on the page. */
export function presetConfig(name: PresetName, present: ExperimentConfig): ExperimentConfig {
  switch (name) {
    case 'present':
      return present;
    case 'small':
      return { ...DEFAULTS, ...machineDefaults({ software: true }) };
    case 'paper':
      // He et al. 2015, section 4.2: batches of 128, padded by 4 and cropped, for 64,000 iterations.
      return {
        ...DEFAULTS,
        width: 16,
        size: 32,
        batch: 128,
        pad: 4,
        steps: 64_000,
        warmup: 400,
        evalEvery: 1000,
      };
  }
}
