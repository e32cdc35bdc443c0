/**
 * The vocabulary of networks: a {@link NetworkSpec} is plain JSON, versioned and shareable.
 *
 * A network is a tree. Leaves are layers: one op of the op table each, with the op's own parameters. A `stage` only
 * groups and names; a `residual` block adds its input to what its body makes of it.
 * Paths join names with dots, so parameters carry torchvision's names: `layer2.0.conv1.weight`.
 */
import { z } from 'zod';
import { ops } from '../ops/table.ts';
import { avgPoolParams, poolParams } from '../ops/pool2d.ts';
import { batchNormParams } from '../ops/batch_norm.ts';
import { conv2dParams } from '../ops/convolution.ts';
import { dropoutParams } from '../ops/dropout.ts';
import { eluParams, geluParams, leakyReluParams } from '../ops/activations.ts';
import { groupNormParams, instanceNormParams, layerNormParams } from '../ops/group_norm.ts';
import { linearParams } from '../ops/linear.ts';

const name = z.string().regex(/^[A-Za-z0-9_]+$/, 'a layer name consists of letters, digits and _');
const positive = z.int().min(1);

/** A layer that is one op. */
const layerOf = <T extends keyof typeof ops, S extends z.ZodRawShape>(
  type: T,
  params: z.ZodObject<S>,
) => z.strictObject({ type: z.literal(type), name, ...params.shape });

const none = z.object({});

const norms = [
  // Fusing is the engine's affair.
  layerOf('batch_norm', batchNormParams.omit({ relu: true })),
  layerOf('layer_norm', layerNormParams),
  layerOf('instance_norm', instanceNormParams),
  layerOf('group_norm', groupNormParams),
] as const;

const activations = [
  layerOf('identity', none),
  layerOf('relu', none),
  layerOf('leaky_relu', leakyReluParams),
  layerOf('elu', eluParams),
  layerOf('silu', none),
  layerOf('gelu', geluParams),
  layerOf('sigmoid', none),
  layerOf('tanh', none),
] as const;

const leaves = [
  layerOf('conv2d', conv2dParams),
  ...norms,
  ...activations,
  layerOf('dropout', dropoutParams),
  layerOf('dropout2d', dropoutParams),
  layerOf('max_pool2d', poolParams),
  layerOf('avg_pool2d', avgPoolParams),
  layerOf('global_avg_pool', none),
  layerOf('flatten', none),
  layerOf('linear', linearParams),
] as const;

/** A layer that is one op. Parameters that have a default may be left out. */
export type LeafSpec = z.input<(typeof leaves)[number]>;

/** A norm or an activation without its name, to choose one for all places of a network. */
type Unnamed<T> = T extends unknown ? Omit<T, 'name'> : never;
export type NormChoice = Unnamed<z.input<(typeof norms)[number]>>;
export type ActivationChoice = Unnamed<z.input<(typeof activations)[number]>>;

export type LayerSpec = LeafSpec | StageSpec | ResidualSpec;

/** Groups layers under a name; computes nothing of its own. */
export interface StageSpec {
  type: 'stage';
  name: string;
  layers: LayerSpec[];
}

/**
 * y = after(body(x) + shortcut(x)) when `connected`, y = after(body(x)) when not.
 *
 * In the original order (He et al. 2015) the body ends with a norm and `after` is the activation; in
 * pre-activation order (He et al. 2016) the body begins with norm and activation and `after` is empty.
 *
 * The shortcut is the identity where shapes agree. Where they do not, option A subsamples and fills
 * new channels with zeros (no parameters), option B is a 1×1 convolution (of vectors a linear layer) with a norm
 * (`downsample.0`, `downsample.1`) — He et al. 2015, section 3.3.
 */
export interface ResidualSpec {
  type: 'residual';
  name: string;
  connected: boolean;
  shortcut: 'A' | 'B';
  /** Option A only: all new channels after the old ones, or half before and half after. */
  zero_channels: 'end' | 'both';
  /** Option B only: the norm behind the convolution; none with null. */
  projection_norm: NormChoice | null;
  body: LayerSpec[];
  after: LayerSpec[];
}

/** The schema of a norm without its name, as in {@link ResidualSpec.projection_norm}. */
const normChoice: z.ZodType<NormChoice> = z.discriminatedUnion('type', [
  norms[0].omit({ name: true }),
  norms[1].omit({ name: true }),
  norms[2].omit({ name: true }),
  norms[3].omit({ name: true }),
]);

const layer: z.ZodType<LayerSpec> = z.lazy(() =>
  z.discriminatedUnion('type', [...leaves, stage, residual]),
);
const stage = z.strictObject({ type: z.literal('stage'), name, layers: z.array(layer) });
const residual = z.strictObject({
  type: z.literal('residual'),
  name,
  connected: z.boolean().default(true),
  shortcut: z.enum(['A', 'B']).default('A'),
  zero_channels: z.enum(['end', 'both']).default('end'),
  projection_norm: normChoice.nullable().default({ type: 'batch_norm' }),
  body: z.array(layer),
  after: z.array(layer).default([]),
});

/** What may be set of a layer of each type, beside its name and what it holds: the builder's forms are made of it. */
export const layerParams = Object.fromEntries([
  ...leaves.map((leaf) => [
    leaf.shape.type.value,
    (leaf as z.ZodObject).omit({ type: true, name: true }),
  ]),
  ['stage', z.strictObject({})],
  ['residual', residual.omit({ type: true, name: true, body: true, after: true })],
]) as Record<LayerSpec['type'], z.ZodObject>;

export const networkSpec = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  input: z.object({ channels: positive, height: positive, width: positive }),
  classes: z.int().min(2),
  layers: z.array(layer),
});

export type NetworkSpec = z.infer<typeof networkSpec>;
