/**
 * The vocabulary of networks: a {@link NetworkSpec} is plain JSON, versioned and shareable.
 *
 * A network is a tree. Leaves are layers (one op each, with the parameters of `torch.nn.functional`);
 * a `stage` only groups and names; a `residual` block adds its input to what its body makes of it.
 * Paths join names with dots, so parameters carry torchvision's names: `layer2.0.conv1.weight`.
 */
import { z } from 'zod';

const name = z.string().regex(/^[A-Za-z0-9_]+$/, 'a layer name consists of letters, digits and _');
const positive = z.int().min(1);

const conv2d = z.object({
  type: z.literal('conv2d'),
  name,
  out_channels: positive,
  kernel: positive,
  stride: positive.default(1),
  padding: z.int().min(0).default(0),
  bias: z.boolean().default(false),
});
const batchNorm = z.object({
  type: z.literal('batch_norm'),
  name,
  eps: z.number().positive().default(1e-5),
  momentum: z.number().min(0).max(1).default(0.1),
});
const relu = z.object({ type: z.literal('relu'), name });
const globalAvgPool = z.object({ type: z.literal('global_avg_pool'), name });
const linear = z.object({
  type: z.literal('linear'),
  name,
  out_features: positive,
  bias: z.boolean().default(true),
});

export type LayerSpec =
  | z.infer<typeof conv2d>
  | z.infer<typeof batchNorm>
  | z.infer<typeof relu>
  | z.infer<typeof globalAvgPool>
  | z.infer<typeof linear>
  | StageSpec
  | ResidualSpec;

/** Groups layers under a name; computes nothing of its own. */
export interface StageSpec {
  type: 'stage';
  name: string;
  layers: LayerSpec[];
}

/**
 * y = after(body(x) + shortcut(x)) when `connected`, y = after(body(x)) when not.
 *
 * The shortcut is the identity where shapes agree. Where they do not, option A subsamples and fills
 * new channels with zeros (no parameters), option B is a 1×1 convolution with a norm
 * (`downsample.0`, `downsample.1`) — He et al. 2015, section 3.3.
 */
export interface ResidualSpec {
  type: 'residual';
  name: string;
  connected: boolean;
  shortcut: 'A' | 'B';
  /** Option A only: all new channels after the old ones, or half before and half after. */
  zero_channels: 'end' | 'both';
  body: LayerSpec[];
  after: LayerSpec[];
}

const layer: z.ZodType<LayerSpec> = z.lazy(() =>
  z.discriminatedUnion('type', [conv2d, batchNorm, relu, globalAvgPool, linear, stage, residual]),
);
const stage = z.object({ type: z.literal('stage'), name, layers: z.array(layer) });
const residual = z.object({
  type: z.literal('residual'),
  name,
  connected: z.boolean().default(true),
  shortcut: z.enum(['A', 'B']).default('A'),
  zero_channels: z.enum(['end', 'both']).default('end'),
  body: z.array(layer),
  after: z.array(layer).default([]),
});

export const networkSpec = z.object({
  version: z.literal(1),
  name: z.string(),
  input: z.object({ channels: positive, height: positive, width: positive }),
  classes: z.int().min(2),
  layers: z.array(layer),
});

export type NetworkSpec = z.infer<typeof networkSpec>;
