/**
 * The CIFAR networks of He et al. 2015 ("Deep Residual Learning for Image Recognition", section 4.2):
 * 6n+2 weighted layers — a 3×3 stem, three stages of n blocks of two 3×3 convolutions at widths
 * w, 2w, 4w (w = 16 in the paper), global average pooling and a linear classifier. The plain network
 * is the same without the additions.
 */
import { FathomError } from '../errors.ts';
import type { WeightInit } from '../ops/init.ts';
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
  /** How the weights of all convolutions and of the classifier start; as each layer says where nothing is said. */
  init?: WeightInit;
  /** Probability with which dropout before the classifier drops a feature; no dropout layer with 0. */
  dropProbability?: number;
}

/** What a network of the experiment may have in place of the usual, by kind; a network has one of a kind at most. */
export const VARIANTS = {
  norm: {
    no_norm: { norm: null },
    layer_norm: { norm: { type: 'layer_norm' } },
    instance_norm: { norm: { type: 'instance_norm' } },
    group_norm: { norm: { type: 'group_norm', groups: 4 } },
  },
  activation: {
    identity: { activation: { type: 'identity' } },
    sigmoid: { activation: { type: 'sigmoid' } },
    tanh: { activation: { type: 'tanh' } },
    leaky_relu: { activation: { type: 'leaky_relu' } },
    elu: { activation: { type: 'elu' } },
    silu: { activation: { type: 'silu' } },
    gelu: { activation: { type: 'gelu' } },
  },
  init: {
    init_small: { init: { kind: 'normal', std: 0.01 } },
    init_large: { init: { kind: 'normal', std: 0.5 } },
    init_xavier: { init: { kind: 'xavier_normal' } },
  },
  dropout: {
    dropout25: { dropProbability: 0.25 },
    dropout50: { dropProbability: 0.5 },
  },
  order: { preact: { order: 'pre_activation' } },
  zero: { zero_init: { zeroInitLast: true } },
} as const satisfies Record<string, Record<string, Partial<CifarNetworkOptions>>>;

/** A network of the experiment, as it stands in links, tables and CSV files: `plain-20`, `residual-56.group_norm`. */
export interface NetworkId {
  residual: boolean;
  depth: number;
  /** Names from {@link VARIANTS}, in the order in which they are written. */
  variants: readonly string[];
}

const variantsByName = new Map(
  Object.entries<Record<string, Partial<CifarNetworkOptions>>>(VARIANTS).flatMap(
    ([kind, options]) =>
      Object.entries(options).map(([name, changes]) => [name, { kind, changes }] as const),
  ),
);

/** What the variants of a network change. */
export const changesOf = ({
  variants,
}: Pick<NetworkId, 'variants'>): Partial<CifarNetworkOptions> =>
  variants.reduce<Partial<CifarNetworkOptions>>(
    (all, name) => ({ ...all, ...variantsByName.get(name)?.changes }),
    {},
  );

export function isCifarDepth(depth: number): boolean {
  return Number.isInteger(depth) && depth >= 8 && (depth - 2) % 6 === 0;
}

export function formatNetworkId({ residual, depth, variants }: NetworkId): string {
  return [`${residual ? 'residual' : 'plain'}-${depth}`, ...variants].join('.');
}

/** Reads `plain-20` or `residual-56.group_norm.gelu`. Throws a FathomError that says what a name looks like. */
export function parseNetworkId(id: string): NetworkId {
  const [, kind, digits, rest = ''] = /^(plain|residual)-(\d{1,4})((?:\.\w+)*)$/.exec(id) ?? [];
  const depth = Number(digits);
  if (!kind || !isCifarDepth(depth)) {
    throw new FathomError(
      'network-id',
      `"${id}" names no network: expected plain-D or residual-D with depth D = 6n+2 (8, 14, 20, … 56, … 110)`,
      { id },
    );
  }
  const variants = rest.split('.').slice(1);
  const kinds = variants.map((name) => variantsByName.get(name)?.kind);
  if (kinds.includes(undefined) || new Set(kinds).size < kinds.length) {
    const known = [...variantsByName.keys()].join(', ');
    throw new FathomError(
      'network-variant',
      `"${id}" names no network: after the depth expected any of ${known}, one of a kind at most`,
      { id, known },
    );
  }
  return { residual: kind === 'residual', depth, variants };
}

/** Whether a name is one of the family's. */
export function isNetworkId(id: string): boolean {
  try {
    parseNetworkId(id);
    return true;
  } catch {
    return false;
  }
}

/**
 * Builds the spec of one CIFAR network; every convolution is 3×3, without bias. Norms are named `bn…`
 * whatever they are, as in torchvision. Throws a FathomError `depth` for a depth that is not 6n+2.
 */
export function cifarNetwork(options: CifarNetworkOptions): NetworkSpec {
  const { depth, residual, width, input, classes, shortcut = 'A', zeroChannels = 'end' } = options;
  const { norm = { type: 'batch_norm' }, activation = { type: 'relu' } } = options;
  const { order = 'original', zeroInitLast = false, init, dropProbability = 0 } = options;
  if (!isCifarDepth(depth)) {
    throw new FathomError('depth', `depth ${depth} is not of the form 6n+2 (8, 14, 20, …)`, {
      depth,
    });
  }
  const blocksPerStage = (depth - 2) / 6;
  const convolve = (name: string, out_channels: number, stride: number): LayerSpec[] => [
    { type: 'conv2d', name, out_channels, kernel: 3, stride, padding: 1, ...(init && { init }) },
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
    name: formatNetworkId({ residual, depth, variants: [] }),
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
      ...(dropProbability > 0
        ? [{ type: 'dropout' as const, name: 'dropout', drop_probability: dropProbability }]
        : []),
      { type: 'linear', name: 'fc', out_features: classes, ...(init && { init }) },
    ],
  };
}

/** The same network with every shortcut connected or cut; names of parameters do not change. */
export function withShortcuts(spec: NetworkSpec, connected: boolean): NetworkSpec {
  const visit = (layers: LayerSpec[]): LayerSpec[] =>
    layers.map((layer) => {
      if (layer.type === 'stage') return { ...layer, layers: visit(layer.layers) };
      if (layer.type === 'residual')
        return { ...layer, connected, body: visit(layer.body), after: visit(layer.after) };
      return layer;
    });
  return { ...spec, layers: visit(spec.layers) };
}
