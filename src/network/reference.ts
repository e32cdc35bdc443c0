/**
 * Whole networks on the float64 reference: what the engine's networks are compared with.
 *
 * It walks the {@link NetworkSpec} tree itself and not the engine's graph, so that a mistake in the
 * graph shows. Parameters, gradients and running statistics go by torchvision's names.
 */
import { FathomError } from '../errors.ts';
import { streamOf } from '../random.ts';
import { conv2d } from '../reference/conv2d.ts';
import { drawMask } from '../reference/dropout.ts';
import { reference } from '../reference/index.ts';
import { linear } from '../reference/linear.ts';
import { softmaxCrossEntropy } from '../reference/loss.ts';
import { batchNorm } from '../reference/norm.ts';
import type { ReferenceOp } from '../reference/op.ts';
import { adam, adamw, sgd } from '../reference/optimizers.ts';
import { add, shortcutOptionA } from '../reference/residual.ts';
import { Tape } from '../reference/tape.ts';
import { sameShape, scalar, tensor, zeros } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import type { LayerSpec, LeafSpec, NetworkSpec, NormChoice, ResidualSpec } from './spec.ts';

type DropoutSpec = Extract<LeafSpec, { type: 'dropout' | 'dropout2d' }>;

/** A network's learned parameters (`layer1.0.conv1.weight`) and statistics (`bn1.running_mean`). */
export interface ReferenceState {
  parameters: Tensors;
  /** Those that are missing start at PyTorch's values: mean 0, variance 1. */
  running: Tensors;
}

export interface ReferencePass {
  /** Mean cross entropy of the batch. */
  loss: number;
  /** [N, classes]. */
  logits: Tensor;
  /** dL/d of every parameter that the network learns, by its name: a cut projection has none, nor has a frozen norm. */
  gradients: Tensors;
  /** Running statistics after the pass; unchanged in evaluation. */
  running: Tensors;
}

export interface PassOptions {
  /** Whether batch norm takes the batch's statistics or the running ones; true where nothing is said. */
  training?: boolean;
  /** Key of dropout's masks; without it nothing is dropped. */
  draws?: { seed: number; iteration: number };
  labelSmoothing?: number;
}

/**
 * Forward and backward pass over one batch.
 *
 * @param x pictures [N, C, H, W]
 * @param labels N class indices
 * @throws FathomError that names the parameter which is missing or the shape which does not fit
 */
export function runReference(
  spec: NetworkSpec,
  state: ReferenceState,
  x: Tensor,
  labels: ArrayLike<number>,
  options: PassOptions = {},
): ReferencePass {
  const { tape, logits, running, frozen } = forward(spec, state, x, options);
  const loss = tape.apply(
    softmaxCrossEntropy,
    { label_smoothing: options.labelSmoothing ?? 0 },
    { logits, labels: tensor([labels.length], labels) },
  );
  const byTensor = tape.gradients(loss, scalar(1));
  const gradients: Tensors = {};
  for (const [name, value] of Object.entries(state.parameters)) {
    const gradient = byTensor.get(value);
    if (gradient && !frozen.has(value)) gradients[name] = gradient;
  }
  return { loss: loss.data[0] ?? NaN, logits, gradients, running };
}

/**
 * Logits [N, classes] of pictures, forward alone.
 *
 * @throws as {@link runReference}
 */
export const predictReference = (
  spec: NetworkSpec,
  state: ReferenceState,
  x: Tensor,
  options: Omit<PassOptions, 'labelSmoothing'>,
): Tensor => forward(spec, state, x, options).logits;

export interface ReferenceAttribution {
  /** [N, classes], in evaluation. */
  logits: Tensor;
  /** Output of every layer of the spec, by its path. */
  outputs: ReadonlyMap<string, Tensor>;
  /** Gradient of each picture's own logit at the pictures, [N, C, H, W], and at an output. */
  gradientAtInput: Tensor;
  gradientAt(path: string): Tensor | undefined;
}

/**
 * In evaluation, forward, and back from one logit of each picture.
 *
 * @param classes whose logit, for each picture
 * @throws as {@link runReference}
 */
export function attributeReference(
  spec: NetworkSpec,
  state: ReferenceState,
  x: Tensor,
  classes: readonly number[],
): ReferenceAttribution {
  const { tape, logits, outputs } = forward(spec, state, x, { training: false });
  const seed = zeros(logits.shape);
  for (const [n, c] of classes.entries()) seed.data[n * spec.classes + c] = 1;
  const gradients = tape.gradients(logits, seed);
  return {
    logits,
    outputs,
    gradientAtInput: gradients.get(x) ?? zeros(x.shape),
    gradientAt: (path) => {
      const output = outputs.get(path);
      return output && gradients.get(output);
    },
  };
}

interface ForwardReference {
  tape: Tape;
  logits: Tensor;
  outputs: Map<string, Tensor>;
  running: Tensors;
  /** γ and β of frozen norms. */
  frozen: ReadonlySet<Tensor>;
}

/** The forward pass, with all that it takes to go back. */
function forward(
  spec: NetworkSpec,
  state: ReferenceState,
  x: Tensor,
  { training = true, draws }: PassOptions,
): ForwardReference {
  const tape = new Tape();
  const outputs = new Map<string, Tensor>();
  const running = { ...state.running };
  const frozen = new Set<Tensor>();
  const parameter = (path: string, name: string): Tensor => {
    const found = state.parameters[`${path}.${name}`];
    if (found) return found;
    const missing = `${path}.${name}`;
    throw new FathomError('reference-parameter', `the parameter ${missing} is missing`, {
      missing,
    });
  };

  /** Learned parameters of a layer that has them: `weight`, and `bias` unless it says otherwise. */
  const learned = (path: string, bias = true): Tensors => ({
    weight: parameter(path, 'weight'),
    ...(bias && { bias: parameter(path, 'bias') }),
  });

  const normalize = (path: string, x: Tensor, { type, init, ...params }: NormChoice): Tensor => {
    const affine: Tensors = params.affine === false ? {} : learned(path);
    if (type !== 'batch_norm') return tape.apply(reference[type]!, params, { x, ...affine });
    if ('frozen' in params && params.frozen)
      for (const each of Object.values(affine)) frozen.add(each);
    const [, channels = 0] = x.shape;
    const meanName = `${path}.running_mean`;
    const varianceName = `${path}.running_var`;
    const inputs = {
      x,
      ...affine,
      running_mean: state.running[meanName] ?? zeros([channels]),
      running_var: state.running[varianceName] ?? tensor([channels], Array(channels).fill(1)),
    };
    return tape.apply(batchNorm, { ...params, training }, inputs, (outputs) => {
      running[meanName] = outputs.new_running_mean ?? inputs.running_mean;
      running[varianceName] = outputs.new_running_var ?? inputs.running_var;
    });
  };

  const shortcut = (block: ResidualSpec, path: string, x: Tensor, body: Tensor): Tensor => {
    if (sameShape(x.shape, body.shape)) return x;
    const [, , height = 1, width = 1] = x.shape;
    const [, out_channels = 1, outHeight = 1, outWidth = 1] = body.shape;
    const stride = Math.max(Math.ceil(height / outHeight), Math.ceil(width / outWidth));
    if (block.shortcut === 'A') {
      const { zero_channels } = block;
      return tape.apply(shortcutOptionA, { out_channels, stride, zero_channels }, { x });
    }
    const weights = learned(join(path, 'downsample.0'), false);
    const inputs = { x, ...weights };
    const projected =
      x.shape.length === 2
        ? tape.apply(linear, {}, inputs)
        : tape.apply(conv2d, { stride }, inputs);
    return block.projection_norm
      ? normalize(join(path, 'downsample.1'), projected, block.projection_norm)
      : projected;
  };

  const drop = (path: string, x: Tensor, layer: DropoutSpec): Tensor => {
    const { type, name, ...params } = layer;
    if (!draws) return tape.apply(reference[type]!, { ...params, training: false }, { x });
    const shape = type === 'dropout' ? x.shape : x.shape.slice(0, 2);
    const key = { ...draws, stream: streamOf(path) };
    const mask = drawMask(shape, params.drop_probability ?? 0.5, key);
    return tape.apply(reference[type]!, params, { x, mask });
  };

  const visit = (layers: readonly LayerSpec[], prefix: string, x: Tensor): Tensor =>
    layers.reduce<Tensor>((x, layer) => {
      const path = join(prefix, layer.name);
      const y = apply(layer, path, x);
      outputs.set(path, y);
      return y;
    }, x);

  const apply = (layer: LayerSpec, path: string, x: Tensor): Tensor => {
    switch (layer.type) {
      case 'conv2d': {
        const { type, name, init, ...params } = layer;
        return tape.apply(conv2d, params, { x, ...learned(path, layer.bias ?? false) });
      }
      case 'linear':
        return tape.apply(linear, {}, { x, ...learned(path, layer.bias) });
      case 'batch_norm':
      case 'layer_norm':
      case 'instance_norm':
      case 'group_norm': {
        const { name, ...norm } = layer;
        return normalize(path, x, norm);
      }
      case 'dropout':
      case 'dropout2d':
        return drop(path, x, layer);
      case 'stage':
        return visit(layer.layers, path, x);
      case 'residual': {
        const body = visit(layer.body, path, x);
        const sum = layer.connected
          ? tape.apply(add, {}, { body, shortcut: shortcut(layer, path, x, body) })
          : body;
        return visit(layer.after, path, sum);
      }
      default: {
        // Activations and pooling: nothing is learned.
        const { type, name, ...params } = layer;
        return tape.apply(reference[type]!, params, { x });
      }
    }
  };

  const logits = visit(spec.layers, '', x);
  return { tape, logits, outputs, running, frozen };
}

export interface OptimizerSettings {
  /** SGD where nothing is said. */
  optimizer?: 'sgd' | 'adam' | 'adamw';
  lr: number;
  weight_decay: number;
  /** SGD only. */
  momentum?: number;
  nesterov?: boolean;
}

/** What the optimizer keeps of each parameter; empty before the first step. */
export type OptimizerState = Readonly<Record<string, Tensors>>;

/**
 * One step of the optimizer on all parameters that have a gradient. The others, and what is kept of
 * them, stay as they are, as in torch.optim.
 */
export function stepReference(
  parameters: Tensors,
  gradients: Tensors,
  state: OptimizerState,
  { optimizer = 'sgd', lr, weight_decay, momentum = 0, nesterov = false }: OptimizerSettings,
): { parameters: Tensors; state: OptimizerState } {
  const op = { sgd, adam, adamw }[optimizer] as ReferenceOp;
  const params = op.params.parse({
    lr,
    weight_decay,
    ...(optimizer === 'sgd' && { momentum, nesterov }),
  });
  const steps = Object.entries(parameters).map(([name, param]) => {
    const grad = gradients[name];
    if (!grad) return { name, updated: param, kept: state[name] ?? {} };
    const inputs = { param, grad, ...state[name] };
    const { param: updated, ...kept } = op.forward(params, inputs);
    return { name, updated: updated ?? param, kept };
  });
  return {
    parameters: Object.fromEntries(steps.map(({ name, updated }) => [name, updated])),
    state: Object.fromEntries(steps.map(({ name, kept }) => [name, kept])),
  };
}

const join = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);
