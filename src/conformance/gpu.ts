/** The GPU kernels as a backend: `--backend gpu`, the default. */
import { z } from 'zod';
import { Gpu } from '../engine/gpu/gpu.ts';
import { GpuNetwork } from '../engine/network.ts';
import { runAugment, runGraph, runLoss, runOp, runOptimizer } from '../engine/run_op.ts';
import { learnedOf, tensorsOf } from '../engine/tensors.ts';
import { buildLayers } from '../network/graph.ts';
import type { LayerSpec } from '../network/spec.ts';
import type { Op } from '../ops/op.ts';
import { savedMoments } from '../ops/batch_norm.ts';
import { ops } from '../ops/table.ts';
import { imageShape, need, scalar } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import type { ConformanceBackend, NetworkResult, OpResult, Unsupported } from './backend.ts';
import { explain } from './format.ts';
import type { NetworkCase } from './format.ts';
import { unrollOptimizer } from './optimizer.ts';

/** The backend on a device, which it closes in the end. */
export function gpuBackend(device: GPUDevice): ConformanceBackend {
  const gpu = new Gpu(device);
  return {
    runOp: (name, params, inputs, gradOutput) => {
      const special = SPECIAL[name];
      return special
        ? special(gpu, params, inputs, gradOutput)
        : runTableOp(gpu, name, params, inputs, gradOutput);
    },
    runNetwork: (network) => runNetwork(gpu, network),
    close: () => device.destroy(),
  };
}

type Settings = Record<string, unknown>;
type Runner = (
  gpu: Gpu,
  params: Settings,
  inputs: Tensors,
  gradOutput: Tensor | undefined,
) => Promise<OpResult | Unsupported>;

/** What is not an op of the table: what ends the forward pass, updates weights, or holds several ops. */
const SPECIAL: Record<string, Runner> = {
  softmax_cross_entropy: runLossCase,
  augment: runAugmentCase,
  basic_block: runBasicBlock,
  sgd: runSgdCase,
  adam: (gpu, params, inputs) => runAdamCase(gpu, params, inputs, false),
  adamw: (gpu, params, inputs) => runAdamCase(gpu, params, inputs, true),
};

/** Ops with γ and β, which they have where the case gives them. */
const NORMS = ['batch_norm', 'group_norm', 'instance_norm', 'layer_norm'];
const DROPOUT = ['dropout', 'dropout2d'];

/** Runs an op of the table. */
async function runTableOp(
  gpu: Gpu,
  name: string,
  given: Settings,
  inputs: Tensors,
  gradOutput: Tensor | undefined,
): Promise<OpResult | Unsupported> {
  const op: Op | undefined = (ops as Record<string, Op>)[name];
  if (!op) return { unsupported: `no op named "${name}"` };
  const modal = name === 'batch_norm' || DROPOUT.includes(name);
  const { training = DROPOUT.includes(name), ...settings } = given;
  if (typeof training !== 'boolean' || (given.training !== undefined && !modal)) {
    return { unsupported: `${name}: training: ${String(given.training)}` };
  }
  const params = op.params.safeParse(complete(name, settings, inputs));
  if (!params.success) return { unsupported: `${name}: ${explain(params.error)}` };

  const first = inputs[op.inputs[0] ?? '']?.shape ?? [];
  const known = new Set([
    ...op.inputs,
    ...Object.keys(op.parameters?.(params.data, first) ?? {}),
    ...Object.keys(op.state?.(params.data, first) ?? {}),
    ...(op.optional ?? []),
  ]);
  const unknown = Object.keys(inputs).find((input) => !known.has(input));
  if (unknown) return { unsupported: `${name} has no input named "${unknown}"` };

  const run = await runOp(gpu, op, params.data, inputs, gradOutput, { training });
  const outputs: Tensors = { y: run.y };
  if (name === 'batch_norm' && training) {
    const { mean, variance } = savedMoments(need(run.saved, 'coefficients'), first[1] ?? 0);
    outputs.batch_mean = mean;
    outputs.batch_var_biased = variance;
    outputs.new_running_mean = need(run.state, 'running_mean');
    outputs.new_running_var = need(run.state, 'running_var');
  }
  return { outputs, grads: run.grads };
}

/** What a case leaves to its inputs to say. */
function complete(name: string, given: Settings, inputs: Tensors): Settings {
  const { weight, bias } = inputs;
  switch (name) {
    case 'conv2d':
      return {
        kernel: weight?.shape.slice(2),
        bias: bias !== undefined,
        ...given,
        out_channels: weight?.shape[0],
      };
    case 'linear':
      return { bias: bias !== undefined, ...given, out_features: weight?.shape[0] };
    case 'shortcut_option_a':
      return { stride: 2, ...given };
    default:
      return NORMS.includes(name) ? { affine: weight !== undefined, ...given } : given;
  }
}

const mapNames = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, value]) => [rename(name), value]));

const lossParams = z.strictObject({
  reduction: z.enum(['mean', 'sum']).default('mean'),
  label_smoothing: z.number().min(0).max(1).default(0),
});

async function runLossCase(
  gpu: Gpu,
  given: Settings,
  inputs: Tensors,
  gradOutput: Tensor | undefined,
): Promise<OpResult | Unsupported> {
  const params = lossParams.safeParse(given);
  if (!params.success) return { unsupported: `softmax_cross_entropy: ${explain(params.error)}` };
  if (gradOutput && gradOutput.data[0] !== 1) {
    return { unsupported: `softmax_cross_entropy: dL/dy = ${gradOutput.data[0]}, not 1` };
  }
  const run = await runLoss(gpu, need(inputs, 'logits'), need(inputs, 'labels').data, params.data);
  return {
    outputs: {
      y: scalar(run.loss),
      probs: run.probabilities,
      log_probs: run.logProbabilities,
    },
    grads: { logits: run.gradient },
  };
}

const augmentParams = z.strictObject({
  pad: z.int().min(0),
  crop: z.union([z.int().min(1), z.tuple([z.int().min(1), z.int().min(1)])]).optional(),
});

async function runAugmentCase(
  gpu: Gpu,
  given: Settings,
  inputs: Tensors,
): Promise<OpResult | Unsupported> {
  const params = augmentParams.safeParse(given);
  if (!params.success) return { unsupported: `augment: ${explain(params.error)}` };
  const x = need(inputs, 'x');
  const [, , h, w] = imageShape(x);
  const { pad, crop = [h, w] } = params.data;
  const window = typeof crop === 'number' ? ([crop, crop] as const) : ([...crop] as const);
  const choices = {
    offsets: need(inputs, 'offsets_yx').data,
    flips: need(inputs, 'flip').data,
  };
  const [height = h, width = w] = window;
  return { outputs: { y: await runAugment(gpu, x, [height, width], { pad }, choices) }, grads: {} };
}

const sgdParams = z.strictObject({
  lr: z.number().min(0),
  momentum: z.number().min(0).default(0),
  weight_decay: z.number().min(0).default(0),
  nesterov: z.boolean().default(false),
});

async function runSgdCase(
  gpu: Gpu,
  given: Settings,
  inputs: Tensors,
): Promise<OpResult | Unsupported> {
  const params = sgdParams.safeParse(given);
  if (!params.success) return { unsupported: `sgd: ${explain(params.error)}` };
  const { lr, momentum, weight_decay, nesterov } = params.data;
  const settings = { learningRate: lr, momentum, weightDecay: weight_decay, nesterov };
  return {
    outputs: await unrollOptimizer(inputs, (state) =>
      runOptimizer(gpu, { kind: 'sgd' }, state, settings),
    ),
    grads: {},
  };
}

async function runAdamCase(
  gpu: Gpu,
  given: Settings,
  inputs: Tensors,
  decoupled: boolean,
): Promise<OpResult | Unsupported> {
  const fraction = z.number().min(0).lt(1);
  const params = z
    .strictObject({
      lr: z.number().min(0).default(1e-3),
      betas: z.tuple([fraction, fraction]).default([0.9, 0.999]),
      eps: z.number().positive().default(1e-8),
      weight_decay: z
        .number()
        .min(0)
        .default(decoupled ? 1e-2 : 0),
    })
    .safeParse(given);
  if (!params.success) return { unsupported: `adam: ${explain(params.error)}` };
  const { lr, betas, eps, weight_decay } = params.data;
  const settings = { learningRate: lr, weightDecay: weight_decay };
  const outputs = await unrollOptimizer(inputs, async ({ step, ...state }) => {
    const t = (step?.data[0] ?? 0) + 1;
    const optimizer = { kind: 'adam', betas, eps, decoupled } as const;
    const scalars = { ...settings, iteration: t - 1 };
    const updated = await runOptimizer(gpu, optimizer, state, scalars);
    return { ...updated, step: scalar(t) };
  });
  return { outputs, grads: {} };
}

const blockParams = z.strictObject({
  stride: z.int().min(1).default(1),
  shortcut: z.enum(['none', 'identity', 'end', 'both', 'B']).default('identity'),
  training: z.boolean().default(true),
  // The norm of a projection has this one.
  eps: z.literal(1e-5).default(1e-5),
});

/** The basic block of He et al. 2015, figure 2, as the graph that a network's spec would give. */
async function runBasicBlock(
  gpu: Gpu,
  given: Settings,
  inputs: Tensors,
  gradOutput: Tensor | undefined,
): Promise<OpResult | Unsupported> {
  const params = blockParams.safeParse(given);
  if (!params.success) return { unsupported: `basic_block: ${explain(params.error)}` };
  const { stride, shortcut, training } = params.data;
  const conv = (name: string, stride: number): LayerSpec => {
    const [out_channels = 1] = need(inputs, `${name}.weight`).shape;
    return { type: 'conv2d', name, out_channels, kernel: 3, stride, padding: 1, bias: false };
  };
  const norm = (name: string): LayerSpec => ({
    type: 'batch_norm',
    name,
    eps: 1e-5,
    momentum: 0.1,
  });
  const block: LayerSpec = {
    type: 'residual',
    name: 'block',
    connected: shortcut !== 'none',
    shortcut: shortcut === 'B' ? 'B' : 'A',
    zero_channels: shortcut === 'both' ? 'both' : 'end',
    projection_norm: { type: 'batch_norm' },
    body: [
      conv('conv1', stride),
      norm('bn1'),
      { type: 'relu', name: 'relu1' },
      conv('conv2', 1),
      norm('bn2'),
    ],
    after: [{ type: 'relu', name: 'relu2' }],
  };
  const { nodes } = buildLayers('block', [block], need(inputs, 'x').shape);
  const named = mapNames(inputs, (name) => (name === 'x' ? name : `block.${name}`));
  const run = await runGraph(gpu, nodes, named, gradOutput, { training });
  return {
    outputs: { y: run.y },
    grads: mapNames(run.grads, (name) => name.replace(/^block\./, '')),
  };
}

async function runNetwork(
  gpu: Gpu,
  { network: given, x, labels, parameters, steps }: NetworkCase,
): Promise<NetworkResult | Unsupported> {
  if (!given) return { unsupported: 'the case names no network' };
  const { spec, optimizer } = given;
  const network = await GpuNetwork.create(gpu, spec, {
    batch: labels.length,
    seed: 0,
    summarySlots: steps + 1,
  });
  try {
    for (const { name } of network.parameters) {
      network.writeParameter(name, need(parameters, name).data);
    }
    network.writeBatch(x.data, Uint32Array.from(labels));
    const scalars = {
      learningRate: optimizer.lr,
      momentum: optimizer.momentum ?? 0,
      weightDecay: optimizer.weight_decay,
      nesterov: optimizer.nesterov ?? false,
      seed: 0,
      valid: labels.length,
      pad: 0,
      flip: false,
      maxNorm: 0,
    };
    network.run('train', { ...scalars, iteration: 0 }, 0);
    const result = {
      logits: {
        shape: [labels.length, spec.classes],
        data: Float64Array.from(await network.readLogits('train')),
      },
      gradients: tensorsOf(network, await network.readGradients()),
      ...(await learnedOf(network)),
    };
    for (let step = 1; step <= steps; step++) {
      network.run('train', { ...scalars, iteration: step }, step);
    }
    const summaries = await network.readSummaries(0, steps + 1);
    return { ...result, losses: summaries.map(({ loss }) => loss) };
  } finally {
    network.destroy();
  }
}
