/**
 * What an op is. An op says everything about itself in one file: its parameters (the names of
 * `torch.nn.functional`), the shapes it accepts, its learned parameters and state, its FLOPs, and its
 * forward and backward passes as kernels to dispatch. Nothing here touches a GPU: a dispatch is data,
 * which the engine plans, compiles and replays.
 */
import type { z } from 'zod';
import { FathomError } from '../errors.ts';
import type { ReferenceOp } from '../reference/op.ts';
import type { Initializer } from './init.ts';
import type { Sample } from './sample.ts';
import type { Bits, Layout, Shape, Tensor, View } from './tensor.ts';
import type { Tuning } from './tuning.ts';

/** How a kernel uses a tensor: `write` overwrites all of it, `update` reads it too. */
export type Access = 'read' | 'write' | 'update' | 'uniform';

export interface Binding {
  tensor: Tensor;
  access: Access;
}

/** One kernel to run. */
export interface KernelCall {
  /** File in `shaders/`, without `.wgsl`. */
  shader: string;
  /** Entry point in that file. */
  entry: string;
  /** Compile-time constants, declared before the kernel's text. */
  constants: Record<string, number | boolean>;
  /** In the order of `@binding`. */
  bindings: Binding[];
  workgroups: readonly [x: number, y: number, z: number];
  /** Floating-point operations, for the profiler (a multiply-add counts two). */
  flops?: number;
  /** The WGSL itself, where it is not a section of a file: several calls in one. */
  text?: string;
}

export interface ParameterSpec {
  shape: Shape;
  layout: Layout;
  init: Initializer;
  /** The optimizer leaves it as it is. */
  frozen?: boolean;
}

export interface StateSpec {
  shape: Shape;
  layout: Layout;
  /** Value of every element at the start. */
  initial: number;
}

/** Collects what a pass dispatches. */
export interface Emitter {
  /**
   * A new tensor that lives from its first write to its last read.
   *
   * @param bits of an element; where nothing is said, images are stored as the network stores its activations
   */
  transient(name: string, shape: Shape, layout: Layout, bits?: Bits): Tensor;
  /** A tensor that is not written but computed where it is loaded. */
  view(name: string, view: View): Tensor;
  dispatch(call: KernelCall): void;
  /** Scalars of the current step (see `shaders/step.wgsl`). */
  readonly step: Tensor;
  /** Which variants of the kernels to take. */
  readonly tuning: Tuning;
  /** What multiplies all gradients until the update, where activations are f16 (see `shaders/loss_scale.wgsl`). */
  readonly lossScale?: Tensor;
}

/** Sums over pixels, taken slice by slice; pixels come in order, and only the last slice may be shorter. */
export interface Slices {
  /** [count, ⌈C/4⌉, 2, 4] */
  partial: Tensor;
  count: number;
  /** Pixels of a slice. */
  pixels: number;
}

/** How a batch norm computed its output y, as far as dL/dy must know it to be summed where it is computed. */
export interface NormOutput {
  /** What was normalized. */
  x: Tensor;
  /** As those of a {@link View}. */
  coefficients: Tensor;
  /** Where a ReLU let dL/dy through: where y is positive, which was written or is a view; or everywhere. */
  mask: 'stored' | 'view' | 'none';
}

/** A batch norm whose mean and variance are known before its input is, and what follows it: relu(norm + shortcut). */
export interface FixedNorm {
  mean: Tensor;
  variance: Tensor;
  eps: number;
  /** γ and β. */
  affine?: readonly [weight: Tensor, bias: Tensor];
  shortcut?: Tensor;
  relu: boolean;
}

/** What an op hands on beside y. */
export interface Forwarded {
  /** The input that y is, unchanged: nothing was dispatched, and nothing will be backward. */
  same?: Tensor;
  /** How to compute y, if it was not written: only where {@link ForwardPass.stored} is false. */
  view?: View;
  /** (mean, Σ (y − mean)²) of each channel; only where {@link ForwardPass.momentsWanted}. */
  moments?: Slices;
  norm?: NormOutput;
}

export interface ForwardPass<P> {
  params: P;
  /** Inputs, learned parameters and state by name. */
  inputs: Record<string, Tensor | undefined>;
  y: Tensor;
  /** Batch norm takes the batch's statistics in training, the running ones in evaluation. */
  training: boolean;
  /** Dropout drops: in training, and in Monte-Carlo evaluation (Gal & Ghahramani 2016). */
  sampling: boolean;
  /** Whether y must be written: somebody who takes it cannot load a view. */
  stored: boolean;
  /** Whether a batch norm takes the moments of y, which an op may leave to it. */
  momentsWanted: boolean;
  /** The moments of an input, if whoever computed it left them. */
  moments(input: string): Slices | undefined;
  /** What is done to y before it is written; only of an op that {@link Op.appliesNorm}. */
  norm?: FixedNorm;
  /** Where x was not computed because the op {@link Op.leavesNorm}: has y computed by whoever computes x. */
  leaveNorm?(norm: FixedNorm): void;
  handOn(forwarded: Forwarded): void;
  emit: Emitter;
  /** What the backward pass will want; an op puts its own names here. */
  saved: Record<string, Tensor>;
}

export interface BackwardPass<P> extends Omit<
  ForwardPass<P>,
  'stored' | 'momentsWanted' | 'moments' | 'norm' | 'leaveNorm' | 'handOn'
> {
  /** dL/dy, same shape as y. Where `sums` is given, it is the gradient behind the ReLU of the norm. */
  gradOutput: Tensor;
  /** (Σ g, Σ g·(x − μ)) of each channel for a batch norm of x, if whoever computed g = dL/dy left them. */
  sums?: Slices;
  /** Whether anybody needs dL/d of this input. */
  wants(input: string): boolean;
  /**
   * The gradient that this input has already received from elsewhere, or undefined. An op that asks
   * promises to add it to the gradient it returns (one pass over memory saved).
   */
  fold(input: string): Tensor | undefined;
  /**
   * The norm that computed this input, if it has not got its sums yet and no other gradient is to come. An op that asks
   * promises to leave them with {@link leaveSums}, and to return the gradient behind the norm's ReLU.
   */
  normOf(input: string): NormOutput | undefined;
  leaveSums(input: string, sums: Slices): void;
  /** Where to write dL/d of a learned parameter. */
  parameterGradient(name: string): Tensor;
}

/** What `docs/layers.md` says of an op. Formulas are TeX. */
export interface Documentation {
  /** What it is called in the literature. */
  title: string;
  formula: string;
  /** What the symbols mean that are no parameters (Markdown). */
  symbols?: string;
  /** dL/d of the inputs and learned parameters, from dL/dy. */
  gradient: string;
  /** The paper or derivation it follows. */
  source: string;
}

/** Pixels of a window: how many, how far apart, and how far from those of the next window. */
export interface Lattice {
  count: readonly [rows: number, columns: number];
  dilation: readonly [rows: number, columns: number];
  stride: readonly [rows: number, columns: number];
}

export interface Op<P = unknown> {
  name: string;
  doc: Documentation;
  params: z.ZodType<P>;
  /** Names of the tensors it takes beside its learned parameters and state. */
  inputs: readonly string[];
  /** Those that it may take. */
  optional?: readonly string[];
  parameters?(params: P, x: Shape): Record<string, ParameterSpec>;
  state?(params: P, x: Shape): Record<string, StateSpec>;
  /** Shape of y. Throws a {@link shapeError} that says which rule was broken. */
  inferShape(params: P, inputs: Record<string, Shape>): Shape;
  /** Floating-point operations of the forward pass; a multiply-add counts two. */
  flops(params: P, inputs: Record<string, Shape>, y: Shape): number;
  /** Which pixels of x one pixel of y looks at: those of a window, or of the whole image; without it, its own. */
  looksAt?(params: P): Lattice | 'image';
  /** The inputs, and `gradOutput`, that it takes as a {@link View}. */
  loadsViews?(params: P): readonly string[];
  /** Whether it takes the moments of its input x over all pixels, which whoever computes x may leave. */
  takesMoments?: boolean;
  /** Whether it can do a {@link FixedNorm} before it writes y. */
  appliesNorm?(params: P): boolean;
  /** Whether it is a {@link FixedNorm}, which whoever computes x can do, where no gradient is wanted. */
  leavesNorm?(params: P, x: Shape, training: boolean): boolean;
  forward(pass: ForwardPass<P>): void;
  /** The same in float64: what the kernels are held to. Its parameters are those above, and `training`. */
  reference: ReferenceOp;
  /** Inputs that every sweep of tests runs over. */
  samples: readonly Sample[];
  /** Dispatches the gradients of all inputs that are wanted; returns those that are not parameters. */
  backward(pass: BackwardPass<P>): Record<string, Tensor>;
}

/** Checks an op's types where it is written and erases its parameter type for the table. */
export function defineOp<P>(op: Op<P>): Op {
  return op;
}

/**
 * An error that says which rule about shapes was broken; the graph builder adds the layer's path.
 *
 * @param details for the same sentence in other languages: `kind` names the rule
 */
export function shapeError(
  rule: string,
  details: Record<string, string | number> = {},
): FathomError {
  return new FathomError('shape', rule, { rule, ...details });
}

/** A shape without its batch, for {@link shapeError}: `16×8×8`. */
export const perImage = (shape: Shape): string => shape.slice(1).join('×');

export function input(inputs: Record<string, Tensor | undefined>, name: string): Tensor {
  const tensor = inputs[name];
  if (!tensor) throw new Error(`an op was given no tensor named "${name}"`);
  return tensor;
}

/** Every WebGPU device binds this many bytes as a uniform buffer. */
export const UNIFORM_BYTES = 65_536;

/** More workgroups than this do not fit on one axis of a dispatch. */
export const MAX_WORKGROUPS = 65_535;

/**
 * A dispatch of `count` workgroups at least, over two axes where one does not hold them. A kernel finds
 * its number as `workgroup_id.y * num_workgroups.x + workgroup_id.x`; there may be a few too many.
 */
export function grid(count: number): readonly [x: number, y: number, z: number] {
  const rows = ceilDiv(count, MAX_WORKGROUPS);
  return [ceilDiv(count, rows), rows, 1];
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

export const read = (tensor: Tensor): Binding => ({ tensor, access: 'read' });
export const write = (tensor: Tensor): Binding => ({ tensor, access: 'write' });
export const update = (tensor: Tensor): Binding => ({ tensor, access: 'update' });
export const uniform = (tensor: Tensor): Binding => ({ tensor, access: 'uniform' });
