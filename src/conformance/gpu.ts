/** The GPU kernels as a backend: `--backend gpu`, the default. */
import { z } from 'zod';
import { Gpu } from '../engine/gpu/gpu.ts';
import { GpuNetwork } from '../engine/network.ts';
import { runAdam, runAugment, runGraph, runLoss, runOp, runSgd } from '../engine/run_op.ts';
import { buildLayers } from '../network/graph.ts';
import type { LayerSpec } from '../network/spec.ts';
import type { Op } from '../ops/op.ts';
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

const CONVOLUTIONS = ['conv2d', 'linear'];
const POOLS = ['max_pool2d', 'avg_pool2d'];
const NORMS = ['batch_norm', 'group_norm', 'instance_norm', 'layer_norm'];
/** Inputs beside those that an op must have. */
const OPTIONAL_INPUTS: Record<string, string[]> = { dropout: ['mask'] };
/** What the cases call γ and β, and what the engine, like torchvision, does. */
const AFFINE: Record<string, string> = { gamma: 'weight', beta: 'bias' };

/** Runs an op of the table, with settings and inputs named as the engine names them. */
async function runTableOp(
  gpu: Gpu,
  name: string,
  given: Settings,
  inputs: Tensors,
  gradOutput: Tensor | undefined,
): Promise<OpResult | Unsupported> {
  const op: Op | undefined = (ops as Record<string, Op>)[name];
  if (!op) return { unsupported: `no op named "${name}"` };
  const { training = name === 'dropout', ...settings } = given;
  if (typeof training !== 'boolean' || (given.training !== undefined && !isModal(name))) {
    return { unsupported: `${name}: training: ${String(given.training)}` };
  }
  const translated = translate(name, settings, inputs);
  const params = strict(op.params).safeParse(translated);
  if (!params.success) return { unsupported: `${name}: ${explain(params.error)}` };

  const rename = (input: string) => (NORMS.includes(name) && AFFINE[input]) || input;
  const first = inputs[op.inputs[0] ?? '']?.shape ?? [];
  const known = new Set([
    ...op.inputs,
    ...Object.keys(op.parameters?.(params.data, first) ?? {}),
    ...Object.keys(op.state?.(params.data, first) ?? {}),
    ...(OPTIONAL_INPUTS[name] ?? []),
  ]);
  const unknown = Object.keys(inputs).find((input) => !known.has(rename(input)));
  if (unknown) return { unsupported: `${name} has no input named "${unknown}"` };

  const named = mapNames(inputs, rename);
  const run = await runOp(gpu, op, params.data, named, gradOutput, { training });
  const outputs: Tensors = { y: run.y };
  if (name === 'batch_norm' && training) {
    outputs.batch_mean = need(run.saved, 'mean');
    outputs.batch_var_biased = need(run.saved, 'variance');
    outputs.new_running_mean = need(run.state, 'running_mean');
    outputs.new_running_var = need(run.state, 'running_var');
  }
  const original = new Map(Object.keys(inputs).map((input) => [rename(input), input]));
  return { outputs, grads: mapNames(run.grads, (input) => original.get(input) ?? input) };
}

/** Whether an op has different modes for training and evaluation. */
const isModal = (name: string): boolean => name === 'batch_norm' || name === 'dropout';

/** Settings of a case in the engine's terms. What has no counterpart stays, and is refused. */
function translate(name: string, given: Settings, inputs: Tensors): Settings {
  if (CONVOLUTIONS.includes(name)) {
    const shape = need(inputs, 'weight').shape;
    const bias = given.bias ?? inputs.bias !== undefined;
    if (name === 'linear') return { ...given, out_features: shape[0], bias };
    const { kernel = shape.slice(2), ...rest } = dropNeutral(given, { dilation: 1, groups: 1 });
    return { ...windowPairs({ ...rest, kernel }), out_channels: shape[0], bias };
  }
  if (POOLS.includes(name)) return windowPairs(given);
  if (name === 'shortcut_option_a') return { stride: 2, ...given };
  if (name === 'batch_norm') {
    // Without γ and β the engine's start at 1 and 0, which is the same.
    const { affine = true, ...rest } = given;
    return typeof affine === 'boolean' ? rest : given;
  }
  if (NORMS.includes(name)) return { affine: inputs.gamma !== undefined, ...given };
  return given;
}

/** Without settings that have the one value which the engine always has. */
function dropNeutral(given: Settings, neutral: Record<string, number>): Settings {
  return Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) => !(key in neutral && [value].flat().every((v) => v === neutral[key])),
    ),
  );
}

/** [height, width] where one number stands for both, or where [top, left, bottom, right] is symmetric. */
function windowPairs(given: Settings): Settings {
  const pair = (value: unknown): unknown => {
    if (typeof value === 'number') return [value, value];
    const sides: unknown[] = Array.isArray(value) ? value : [];
    const symmetric = sides.length === 4 && sides[0] === sides[2] && sides[1] === sides[3];
    return symmetric ? sides.slice(0, 2) : value;
  };
  const paired = ['kernel', 'stride', 'padding']
    .filter((key) => given[key] !== undefined)
    .map((key): [string, unknown] => [key, pair(given[key])]);
  return { ...given, ...Object.fromEntries(paired) };
}

/** Refuses settings that the op does not know instead of passing them over. */
const strict = (params: z.ZodType): z.ZodType =>
  params instanceof z.ZodObject ? params.strict() : params;

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
    outputs: await unrollOptimizer(inputs, (state) => runSgd(gpu, state, settings)),
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
    const updated = await runAdam(gpu, state, t, settings, { betas, eps, decoupled });
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
      momentum: optimizer.momentum,
      weightDecay: optimizer.weight_decay,
      nesterov: optimizer.nesterov ?? false,
      seed: 0,
      valid: labels.length,
      pad: 0,
      flip: false,
    };
    network.run('train', { ...scalars, iteration: 0 }, 0);
    const tensors = (values: Map<string, Float32Array>): Tensors => {
      const shapes = new Map([...network.parameters, ...network.state].map((p) => [p.name, p]));
      return Object.fromEntries(
        [...values].map(([name, data]) => {
          const { shape = [] } = shapes.get(name) ?? {};
          return [name, { shape, data: Float64Array.from(data) }];
        }),
      );
    };
    const result = {
      logits: {
        shape: [labels.length, spec.classes],
        data: Float64Array.from(await network.readLogits('train')),
      },
      gradients: tensors(await network.readGradients()),
      parameters: tensors(await network.readParameters()),
      running: tensors(await network.readState()),
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
