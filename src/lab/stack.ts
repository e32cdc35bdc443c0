/**
 * A stack of linear layers of one width, h_l = φ(W_l h_(l−1) + b_l), run forward and backward as one graph, with the float64
 * reference beside it: what reaches which layer, and how much of the gradient comes back to it.
 */
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { Dispatch } from '../engine/graph/lower.ts';
import { runGraph } from '../engine/run_op.ts';
import { graphNode } from '../network/graph.ts';
import type { GraphNode, Value } from '../network/graph.ts';
import type { Op } from '../ops/op.ts';
import { runReference } from '../ops/reference_run.ts';
import { ops } from '../ops/table.ts';
import type { OpName } from '../ops/table.ts';
import { need } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';

export interface StackQuestion {
  /** h_0, [N, width]. */
  x: Tensor;
  /** Weight [width, width] and bias [width] of each layer, the first one first. */
  layers: readonly { weight: Tensor; bias: Tensor }[];
  activation: OpName;
  /** Of the activation; defaults may be left out. */
  params?: Record<string, unknown>;
  /** dL/dh_L, [N, width]. */
  gradOutput: Tensor;
}

/** h_0 … h_L and dL/dh_0 … dL/dh_L, [N, width] each. */
export interface StackValues {
  outputs: Tensor[];
  gradients: Tensor[];
}

export interface StackRun extends StackValues {
  by: 'gpu' | 'reference';
  reference: StackValues;
  /** In the order in which they ran; none where the reference answers. */
  dispatches: readonly Dispatch[];
}

/** Throws FathomErrors where shapes or parameters break one of the ops' rules. */
export async function runStack(gpu: Gpu | null, question: StackQuestion): Promise<StackRun> {
  const reference = referenceOf(question);
  if (!gpu) return { ...reference, by: 'reference', reference, dispatches: [] };
  const { x, layers, gradOutput } = question;
  const { nodes, parameters } = graphOf(question);
  const keep = layers.map((_, layer) => pathOf(layer));
  const options = { training: true, keep };
  const run = await runGraph(gpu, nodes, { x, ...parameters }, gradOutput, options);
  return {
    by: 'gpu',
    outputs: [x, ...keep.map((path) => need(run.outputs, path))],
    gradients: [need(run.grads, 'x'), ...keep.map((path) => need(run.outputGrads, path))],
    reference,
    dispatches: run.dispatches,
  };
}

const pathOf = (layer: number) => `activation${layer + 1}`;

function graphOf({ x, layers, activation, params = {} }: StackQuestion): {
  nodes: GraphNode[];
  parameters: Tensors;
} {
  const nodes: GraphNode[] = [];
  const parameters: Tensors = {};
  let value: Value = { name: 'x', shape: x.shape };
  layers.forEach(({ weight, bias }, layer) => {
    const path = `linear${layer + 1}`;
    const linear = graphNode(path, ops.linear, linearParams(weight), { x: value });
    const activated = graphNode(pathOf(layer), ops[activation], params, { x: linear.output });
    nodes.push(linear, activated);
    parameters[`${path}.weight`] = weight;
    parameters[`${path}.bias`] = bias;
    value = activated.output;
  });
  return { nodes, parameters };
}

function referenceOf({ x, layers, activation, params = {}, gradOutput }: StackQuestion) {
  const phi: Op = ops[activation];
  const steps: { z: Tensor; h: Tensor }[] = [];
  let h = x;
  for (const { weight, bias } of layers) {
    const inputs = { x: h, weight, bias };
    const z = need(runReference(ops.linear, linearParams(weight), inputs).outputs, 'y');
    h = need(runReference(phi, params, { x: z }).outputs, 'y');
    steps.push({ z, h });
  }
  const outputs = [x, ...steps.map((step) => step.h)];
  const gradients = [gradOutput];
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    const { z } = steps[layer]!;
    const { weight, bias } = layers[layer]!;
    const dz = runReference(phi, params, { x: z }, { gradOutput: gradients[0]! }).grads;
    const inputs = { x: outputs[layer]!, weight, bias };
    const options = { gradOutput: need(dz, 'x') };
    const { grads } = runReference(ops.linear, linearParams(weight), inputs, options);
    gradients.unshift(need(grads, 'x'));
  }
  return { outputs, gradients };
}

const linearParams = ({ shape: [out = 0] }: Tensor) => ({ out_features: out });
