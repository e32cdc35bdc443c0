/** Convolutions of several groups, depthwise ones among them, and of kernels that reach far; see `shaders/conv2d_direct.wgsl`. */
import { weightSplits } from './convolution.ts';
import type { Convolution } from './convolution.ts';
import { ceilDiv, grid, input, read, write } from './op.ts';
import type { BackwardPass, ForwardPass } from './op.ts';
import { channelSum, emitSplitSum } from './reduce.ts';
import { quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** Constants of `shaders/conv2d_direct.wgsl`: of a weight [O, I/groups, KH, KW]. */
function directConstants({ geometry, channels: C, outChannels: O, groups }: Convolution) {
  const IG = C / groups;
  const OG = O / groups;
  const SHARED = groups === 1 || OG % 4 === 0;
  return { ...geometry, C, O, IG, OG, IG4: quads(IG), SHARED, DEPTHWISE: IG === 1 && OG === 1 };
}

/** Forward pass. */
export function directForward(
  { inputs, y, emit }: ForwardPass<unknown>,
  convolution: Convolution,
): void {
  const { geometry: g, bias: BIAS, flops } = convolution;
  const bindings = [read(input(inputs, 'x')), read(input(inputs, 'weight')), write(y)];
  emit.dispatch({
    shader: 'conv2d_direct',
    entry: 'conv2d_direct',
    constants: { ...directConstants(convolution), BIAS },
    bindings: [...bindings, ...(BIAS ? [read(input(inputs, 'bias'))] : [])],
    workgroups: grid(ceilDiv(g.N * g.OH * g.OW * g.OC4, 64)),
    flops,
  });
}

/** Gradients. */
export function directBackward(
  pass: BackwardPass<unknown>,
  convolution: Convolution,
): Record<string, Tensor> {
  const { emit, gradOutput: dy } = pass;
  const { geometry: g, bias, flops } = convolution;
  const constants = directConstants(convolution);
  const x = input(pass.inputs, 'x');
  const dw = pass.parameterGradient('weight');
  const pixels = g.N * g.OH * g.OW;
  const size = g.KH * g.KW * constants.IG4 * 4 * g.OC4 * 4;
  const PER_SPLIT = ceilDiv(pixels, weightSplits(pixels, size));
  const SPLITS = ceilDiv(pixels, PER_SPLIT);
  emitSplitSum(emit, dw, SPLITS, size, (sums) => ({
    shader: 'conv2d_direct',
    entry: 'conv2d_direct_grad_weight',
    constants: { ...constants, SPLITS, PIXELS_PER_SPLIT: PER_SPLIT },
    bindings: [read(x), read(dy), write(sums)],
    workgroups: grid(ceilDiv((SPLITS * size) / 4, 64)),
    flops,
  }));
  if (bias) emit.dispatch(channelSum(dy, pass.parameterGradient('bias')));
  if (!pass.wants('x')) return {};
  const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
  const addend = pass.fold('x');
  const bindings = [read(dy), read(input(pass.inputs, 'weight')), write(dx)];
  emit.dispatch({
    shader: 'conv2d_direct',
    entry: 'conv2d_direct_grad_input',
    constants: { ...constants, ADDEND: addend !== undefined },
    bindings: [...bindings, ...(addend ? [read(addend)] : [])],
    workgroups: grid(ceilDiv(g.N * g.H * g.W * g.IC4, 64)),
    flops,
  });
  return { x: dx };
}
