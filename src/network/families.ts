/**
 * The CIFAR networks of He et al. 2015 ("Deep Residual Learning for Image Recognition", section 4.2):
 * 6n+2 weighted layers — a 3×3 stem, three stages of n blocks of two 3×3 convolutions at widths
 * w, 2w, 4w (w = 16 in the paper), global average pooling and a linear classifier. The plain network
 * is the same without the additions.
 */
import { FathomError } from '../errors.ts';
import type { ActivationChoice, LayerSpec, NetworkSpec, NormChoice } from './spec.ts';

export interface CifarNetworkOptions {
  /** 6n+2, n ≥ 1. */
  depth: number;
  residual: boolean;
  /** Channels of the first stage. */
  width: number;
  input: { channels: number; height: number; width: number };
  classes: number;
  shortcut?: 'A' | 'B';
  zeroChannels?: 'end' | 'both';
  /** What normalizes after every convolution; nothing with null. Batch norm where nothing is said. */
  norm?: NormChoice | null;
  /** ReLU where nothing is said. */
  activation?: ActivationChoice;
  /**
   * `original`: conv, norm, activation, conv, norm, addition, activation. `pre_activation`: norm, activation, conv,
   * norm, activation, conv, addition (He et al. 2016, "Identity Mappings in Deep Residual Networks", figure 1b).
   */
  order?: 'original' | 'pre_activation';
  /** γ of the last norm of each block starts at 0, so that the block starts as its shortcut (Goyal et al. 2017). */
  zeroInitLast?: boolean;
}

/** A network of the experiment, as it stands in links, tables and CSV files: `plain-20`, `residual-56`. */
export interface NetworkId {
  residual: boolean;
  depth: number;
}

export function isCifarDepth(depth: number): boolean {
  return Number.isInteger(depth) && depth >= 8 && (depth - 2) % 6 === 0;
}

export function formatNetworkId({ residual, depth }: NetworkId): string {
  return `${residual ? 'residual' : 'plain'}-${depth}`;
}

/** Reads `plain-20` or `residual-56`. Throws a FathomError that says what a name looks like. */
export function parseNetworkId(id: string): NetworkId {
  const match = /^(plain|residual)-(\d{1,4})$/.exec(id);
  const depth = Number(match?.[2]);
  if (!match || !isCifarDepth(depth)) {
    throw new FathomError(
      'network-id',
      `"${id}" names no network: expected plain-D or residual-D with depth D = 6n+2 (8, 14, 20, … 56, … 110)`,
      { id },
    );
  }
  return { residual: match[1] === 'residual', depth };
}

/**
 * Builds the spec of one CIFAR network; every convolution is 3×3, without bias. Norms are named `bn…`
 * whatever they are, as in torchvision. Throws a FathomError `depth` for a depth that is not 6n+2.
 */
export function cifarNetwork(options: CifarNetworkOptions): NetworkSpec {
  const { depth, residual, width, input, classes, shortcut = 'A', zeroChannels = 'end' } = options;
  const { norm = { type: 'batch_norm' }, activation = { type: 'relu' } } = options;
  const { order = 'original', zeroInitLast = false } = options;
  if (!isCifarDepth(depth)) {
    throw new FathomError('depth', `depth ${depth} is not of the form 6n+2 (8, 14, 20, …)`, {
      depth,
    });
  }
  const blocksPerStage = (depth - 2) / 6;
  const convolve = (name: string, out_channels: number, stride: number): LayerSpec[] => [
    { type: 'conv2d', name, out_channels, kernel: 3, stride, padding: 1 },
  ];
  const normalize = (name: string, last = false): LayerSpec[] =>
    norm ? [{ ...norm, name, ...(last && zeroInitLast && { init: 'zeros' as const }) }] : [];
  const activate = (name: string): LayerSpec[] => [{ ...activation, name }];

  const block = (name: string, channels: number, stride: number): LayerSpec => ({
    type: 'residual',
    name,
    connected: residual,
    shortcut,
    zero_channels: zeroChannels,
    projection_norm: order === 'original' ? norm : null,
    ...(order === 'original'
      ? {
          body: [
            ...convolve('conv1', channels, stride),
            ...normalize('bn1'),
            ...activate('relu1'),
            ...convolve('conv2', channels, 1),
            ...normalize('bn2', true),
          ],
          after: activate('relu2'),
        }
      : {
          body: [
            ...normalize('bn1'),
            ...activate('relu1'),
            ...convolve('conv1', channels, stride),
            ...normalize('bn2', true),
            ...activate('relu2'),
            ...convolve('conv2', channels, 1),
          ],
          after: [],
        }),
  });
  const stage = (index: number): LayerSpec => ({
    type: 'stage',
    name: `layer${index + 1}`,
    layers: Array.from({ length: blocksPerStage }, (_, i) =>
      block(String(i), width * 2 ** index, index > 0 && i === 0 ? 2 : 1),
    ),
  });
  const ends = [...normalize('bn1'), ...activate('relu')];
  return {
    version: 1,
    name: formatNetworkId({ residual, depth }),
    input,
    classes,
    layers: [
      ...convolve('conv1', width, 1),
      ...(order === 'original' ? ends : []),
      stage(0),
      stage(1),
      stage(2),
      ...(order === 'original' ? [] : ends),
      { type: 'global_avg_pool', name: 'avgpool' },
      { type: 'linear', name: 'fc', out_features: classes },
    ],
  };
}

/** The same network with every shortcut connected or cut; names of parameters do not change. */
export function withShortcuts(spec: NetworkSpec, connected: boolean): NetworkSpec {
  const visit = (layers: LayerSpec[]): LayerSpec[] =>
    layers.map((layer) => {
      if (layer.type === 'stage') return { ...layer, layers: visit(layer.layers) };
      if (layer.type === 'residual') return { ...layer, connected, body: visit(layer.body) };
      return layer;
    });
  return { ...spec, layers: visit(spec.layers) };
}
