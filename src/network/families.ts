/**
 * The CIFAR networks of He et al. 2015 ("Deep Residual Learning for Image Recognition", section 4.2):
 * 6n+2 weighted layers — a 3×3 stem, three stages of n blocks of two 3×3 convolutions at widths
 * w, 2w, 4w (w = 16 in the paper), global average pooling and a linear classifier. The plain network
 * is the same without the additions.
 */
import { FathomError } from '../errors.ts';
import type { LayerSpec, NetworkSpec } from './spec.ts';

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

/** Builds the spec of one CIFAR network; every convolution is 3×3, without bias, followed by batch norm. */
export function cifarNetwork(options: CifarNetworkOptions): NetworkSpec {
  const { depth, residual, width, input, classes, shortcut = 'A', zeroChannels = 'end' } = options;
  if (!isCifarDepth(depth)) {
    throw new FathomError('depth', `depth ${depth} is not of the form 6n+2 (8, 14, 20, …)`, {
      depth,
    });
  }
  const blocksPerStage = (depth - 2) / 6;
  const conv = (name: string, channels: number, stride: number): LayerSpec => ({
    type: 'conv2d',
    name,
    out_channels: channels,
    kernel: 3,
    stride,
    padding: 1,
    bias: false,
  });
  const norm = (name: string): LayerSpec => ({
    type: 'batch_norm',
    name,
    eps: 1e-5,
    momentum: 0.1,
  });
  const stage = (index: number): LayerSpec => {
    const channels = width * 2 ** index;
    return {
      type: 'stage',
      name: `layer${index + 1}`,
      layers: Array.from({ length: blocksPerStage }, (_, block): LayerSpec => ({
        type: 'residual',
        name: String(block),
        connected: residual,
        shortcut,
        zero_channels: zeroChannels,
        body: [
          conv('conv1', channels, index > 0 && block === 0 ? 2 : 1),
          norm('bn1'),
          { type: 'relu', name: 'relu1' },
          conv('conv2', channels, 1),
          norm('bn2'),
        ],
        after: [{ type: 'relu', name: 'relu2' }],
      })),
    };
  };
  return {
    version: 1,
    name: formatNetworkId({ residual, depth }),
    input,
    classes,
    layers: [
      conv('conv1', width, 1),
      norm('bn1'),
      { type: 'relu', name: 'relu' },
      stage(0),
      stage(1),
      stage(2),
      { type: 'global_avg_pool', name: 'avgpool' },
      { type: 'linear', name: 'fc', out_features: classes, bias: true },
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
