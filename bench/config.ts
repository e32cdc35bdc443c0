/** What is measured: sizes of the network and its batch, and how the names on the command line read. */
import { FathomError } from '../src/errors.ts';
import { cifarNetwork, isCifarDepth } from '../src/network/families.ts';
import type { NetworkSpec } from '../src/network/spec.ts';

export interface BenchConfig {
  /** 6n+2. */
  depth: number;
  /** Channels of the first stage. */
  width: number;
  /** Pictures are 3 × size × size. */
  size: number;
  batch: number;
}

/** The optimizer's settings, the same for all contenders; it is SGD as PyTorch has it. */
export const LEARNING_RATE = 0.01;
export const MOMENTUM = 0.9;
export const WEIGHT_DECAY = 1e-4;
/** Of batch norm. */
export const EPSILON = 1e-5;
export const CLASSES = 10;

export const DEFAULT_CONFIGS = 'w8-16-b16,w16-32-b16';
const DEFAULT_DEPTH = 20;

/** Reads `w8-16-b16,d56-w16-32-b128`: depth (20 where it is left out), width, size, batch. */
export function parseConfigs(text: string): BenchConfig[] {
  return text.split(',').map((part) => {
    const match = /^(?:d(\d+)-)?w(\d+)-(\d+)-b(\d+)$/.exec(part.trim());
    const [depth, width, size, batch] = [
      match?.[1] ?? DEFAULT_DEPTH,
      ...(match ?? []).slice(2),
    ].map(Number);
    if (!depth || !width || !size || !batch || !isCifarDepth(depth)) {
      throw new FathomError(
        'bench-config',
        `"${part}" is no configuration: expected for instance w8-16-b16 (width 8, pictures of 16×16, batch 16) ` +
          'or d56-w16-32-b128, with a depth of 6n+2',
      );
    }
    return { depth, width, size, batch };
  });
}

/** The name that {@link parseConfigs} reads. */
export function formatConfig({ depth, width, size, batch }: BenchConfig): string {
  return `${depth === DEFAULT_DEPTH ? '' : `d${depth}-`}w${width}-${size}-b${batch}`;
}

/** The residual network with option A shortcuts: what every contender trains. */
export function networkOf({ depth, width, size }: BenchConfig): NetworkSpec {
  return cifarNetwork({
    depth,
    residual: true,
    shortcut: 'A',
    zeroChannels: 'end',
    width,
    input: { channels: 3, height: size, width: size },
    classes: CLASSES,
  });
}
