/**
 * The files of a conformance suite, as `tests/conformance/FORMAT.md` describes them: read, checked,
 * and turned into tensors. A file that is not a case throws a FathomError which says what is wrong;
 * a case that asks for what Fathom does not have carries the reason in `unsupported`.
 */
import { z } from 'zod';
import { FathomError } from '../errors.ts';
import { cifarNetwork, isCifarDepth } from '../network/families.ts';
import type { OptimizerSettings } from '../network/reference.ts';
import type { NetworkSpec, NormChoice } from '../network/spec.ts';
import { size, tensor } from '../reference/tensor.ts';
import type { Tensor, Tensors } from '../reference/tensor.ts';
import { readSettings, renameTensors } from './settings.ts';

export interface OpCase {
  kind: 'op';
  name: string;
  op: string;
  /** Settings of the op, without remarks in words. */
  params: Record<string, unknown>;
  inputs: Tensors;
  /** dL/dy; absent for optimizers and augmentation. */
  gradOutput?: Tensor;
  outputs: Tensors;
  grads: Tensors;
  /** What float32 on a CPU differs by. */
  f32MaxAbsDiff: number;
  unsupported?: string;
}

export interface NetworkCase {
  kind: 'network';
  name: string;
  /** Absent where `unsupported`. */
  network?: { spec: NetworkSpec; optimizer: OptimizerSettings };
  /** [N, C, H, W]. */
  x: Tensor;
  labels: number[];
  parameters: Tensors;
  /** Training steps to take: as many as there are trustworthy losses to compare after the first. */
  steps: number;
  expected: {
    /** losses[k] precedes step k + 1; the trustworthy ones only. */
    losses: number[];
    logits: Tensor;
    gradients: Tensors;
    parametersAfterStep1: Tensors;
    runningAfterStep1: Tensors;
  };
  /** Deep plain networks are chaotic at the start: gradients mean nothing, only the first loss does. */
  lossOnly: boolean;
  unsupported?: string;
}

export type ConformanceCase = OpCase | NetworkCase;

const count = z.int().min(0);

const tensorJson = z
  .object({
    dtype: z.enum(['float32', 'float64', 'int32', 'int64', 'uint8']),
    shape: z.array(count),
    data: z.array(z.number()),
  })
  .refine(({ shape, data }) => data.length === size(shape), {
    error: 'the number of elements is not that of the shape',
  })
  .transform(({ shape, data }) => tensor(shape, data));

const tensorsJson = z.record(z.string(), tensorJson);

const opJson = z.object({
  name: z.string().min(1),
  op: z.string(),
  params: z.record(z.string(), z.unknown()),
  inputs: tensorsJson,
  grad_output: tensorJson.optional(),
  outputs: tensorsJson.refine((outputs) => Object.keys(outputs).length > 0, {
    error: 'there is nothing to compare',
  }),
  grads: tensorsJson.default({}),
  f32_max_abs_diff: z.number().min(0).default(0),
});

const networkJson = z.object({
  name: z.string().min(1),
  arch: z.record(z.string(), z.unknown()),
  loss: z.string(),
  labels: z.array(count),
  optimizer: z.record(z.string(), z.unknown()),
  loss_0: z.number(),
  losses: z.array(z.number()).default([]),
  trustworthy_losses: count,
  data_file: z.string().regex(/^[^/\\]+$/, 'expected the name of a file beside this one'),
  parameters: z.array(z.string()),
  tensors: z.array(
    z
      .object({ name: z.string(), shape: z.array(count), offset: count, count })
      .refine(({ shape, count }) => size(shape) === count, {
        error: 'count is not the number of elements of the shape',
      }),
  ),
});

/** The architectures that Fathom has; any other value, and any further key, is unsupported. */
const architecture = z.strictObject({
  depth: z.int().refine(isCifarDepth, { error: 'expected 6n+2' }),
  blocks_per_stage: z.int().optional(),
  width: z.int().min(1),
  stage_widths: z.array(z.int()).optional(),
  input: z.tuple([count, count, count, count]),
  residual: z.boolean(),
  shortcut: z.enum(['end', 'both', 'B']).nullable(),
  norm: z.enum(['batch', 'layer', 'instance', 'group', 'none']),
  /** Of group norm. */
  groups: z.int().min(1).optional(),
  conv_bias: z.literal(false).default(false),
  classes: z.int().min(2),
});

const optimizer = z.strictObject({
  type: z.literal('sgd'),
  lr: z.number(),
  momentum: z.number(),
  weight_decay: z.number(),
  nesterov: z.boolean().default(false),
  applies_to: z.literal('all parameters').optional(),
  batch: z.literal('the same x every step').optional(),
});

/**
 * Reads one case.
 *
 * @param text the JSON file
 * @param readData reads a `.bin` file beside it, by name
 * @throws FathomError `conformance-file` when it is not a case
 */
export async function parseCase(
  text: string,
  readData: (name: string) => Promise<Uint8Array>,
): Promise<ConformanceCase> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw notACase(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof json !== 'object' || json === null || !('op' in json || 'arch' in json)) {
    throw notACase('expected an object with "op" (an op) or "arch" (a network)');
  }
  return 'op' in json
    ? opCase(parse(opJson, json))
    : networkCase(parse(networkJson, json), readData);
}

function opCase(file: z.output<typeof opJson>): OpCase {
  return {
    kind: 'op',
    name: file.name,
    op: file.op,
    ...readSettings(file.op, file.params),
    inputs: renameTensors(file.op, file.inputs),
    gradOutput: file.grad_output,
    outputs: file.outputs,
    grads: renameTensors(file.op, file.grads),
    f32MaxAbsDiff: file.f32_max_abs_diff,
  };
}

async function networkCase(
  file: z.output<typeof networkJson>,
  readData: (name: string) => Promise<Uint8Array>,
): Promise<NetworkCase> {
  const tensors = sliceTensors(file.tensors, await readData(file.data_file), file.data_file);
  const { x, logits_0: logits } = tensors;
  const parameters = withPrefix(tensors, 'param/');
  if (!x || !logits) throw notACase('tensors: "x" or "logits_0" is missing');
  const missing = file.parameters.find((name) => !parameters[name]);
  if (missing) throw notACase(`tensors: "param/${missing}" is missing`);
  if (file.labels.length !== x.shape[0]) {
    throw notACase(`labels: ${file.labels.length} labels for ${x.shape[0]} pictures`);
  }
  const trustworthy = file.losses.slice(0, file.trustworthy_losses);
  const { depth, residual } = file.arch;
  const lossOnly = residual === false && typeof depth === 'number' && depth >= 56;
  const losses = lossOnly || trustworthy.length === 0 ? [file.loss_0] : trustworthy;
  return {
    kind: 'network',
    name: file.name,
    ...interpret(file),
    x,
    labels: file.labels,
    parameters,
    steps: Math.max(1, losses.length - 1),
    expected: {
      losses,
      logits,
      gradients: withPrefix(tensors, 'grad/'),
      parametersAfterStep1: withPrefix(tensors, 'param_after_step1/'),
      runningAfterStep1: withPrefix(tensors, 'running_after_step1/'),
    },
    lossOnly,
  };
}

/** The network and optimizer that a case names, or why Fathom does not have them. */
function interpret(
  file: z.output<typeof networkJson>,
): Required<Pick<NetworkCase, 'network'>> | { unsupported: string } {
  const arch = architecture.safeParse(file.arch);
  if (!arch.success) return { unsupported: `arch: ${explain(arch.error)}` };
  const settings = optimizer.safeParse(file.optimizer);
  if (!settings.success) return { unsupported: `optimizer: ${explain(settings.error)}` };
  if (file.loss !== 'mean softmax cross entropy') return { unsupported: `loss: ${file.loss}` };

  const { depth, width, residual, shortcut, classes, input } = arch.data;
  const { blocks_per_stage = (depth - 2) / 6, stage_widths = [1, 2, 4].map((k) => k * width) } =
    arch.data;
  if (blocks_per_stage !== (depth - 2) / 6) {
    return { unsupported: `arch: ${blocks_per_stage} blocks a stage at depth ${depth}` };
  }
  if (stage_widths.join() !== [width, 2 * width, 4 * width].join()) {
    return { unsupported: `arch: stages of widths ${stage_widths.join(', ')}` };
  }
  const [, channels, height, imageWidth] = input;
  const norm = normOf(arch.data, file);
  if (norm === undefined) return { unsupported: 'arch: group norm without a number of groups' };
  const spec = cifarNetwork({
    depth,
    width,
    residual,
    classes,
    input: { channels, height, width: imageWidth },
    shortcut: shortcut === 'B' ? 'B' : 'A',
    zeroChannels: shortcut === 'both' ? 'both' : 'end',
    norm,
  });
  const { lr, momentum, weight_decay, nesterov } = settings.data;
  return { network: { spec, optimizer: { lr, momentum, weight_decay, nesterov } } };
}

/** The norm that a case names; undefined where it does not say enough. */
function normOf(
  { norm, groups }: z.output<typeof architecture>,
  { tensors }: z.output<typeof networkJson>,
): NormChoice | null | undefined {
  switch (norm) {
    case 'none':
      return null;
    case 'group':
      return groups === undefined ? undefined : { type: 'group_norm', groups };
    case 'layer': {
      // γ for each element, or for each channel: then it is group norm with a single group.
      const gamma = tensors.find(({ name }) => name === 'param/bn1.weight');
      return gamma?.shape.length === 1 ? { type: 'group_norm', groups: 1 } : { type: 'layer_norm' };
    }
    default:
      return { type: norm === 'batch' ? 'batch_norm' : 'instance_norm' };
  }
}

/** Cuts the flat little-endian float32 data into tensors. */
function sliceTensors(
  list: z.output<typeof networkJson>['tensors'],
  bytes: Uint8Array,
  file: string,
): Tensors {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const floats = bytes.byteLength / 4;
  const tensors: Tensors = {};
  for (const { name, shape, offset, count } of list) {
    if (offset + count > floats) {
      throw notACase(
        `${file}: "${name}" ends at float ${offset + count}, but the file holds ${floats}`,
      );
    }
    const data = Float64Array.from({ length: count }, (_, i) =>
      view.getFloat32(4 * (offset + i), true),
    );
    tensors[name] = { shape, data };
  }
  return tensors;
}

/** The tensors whose names begin with a prefix, without it. */
function withPrefix(tensors: Tensors, prefix: string): Tensors {
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

function parse<T extends z.ZodType>(schema: T, json: unknown): z.output<T> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw notACase(explain(result.error));
}

/** What is wrong with a value, on one line: `inputs.x.shape: expected array`. */
export function explain(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}

export function notACase(fault: string): FathomError {
  return new FathomError('conformance-file', fault, { fault });
}
