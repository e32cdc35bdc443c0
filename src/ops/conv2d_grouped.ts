/** Convolutions of several groups, depthwise ones among them; see `shaders/conv2d_grouped.wgsl`. */
import { weightSplits } from './convolution.ts';
import type { Convolution } from './convolution.ts';
import { ceilDiv, grid, input, read, write } from './op.ts';
import type { BackwardPass, ForwardPass } from './op.ts';
import { channelSum, sumPartials } from './reduce.ts';
import { quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** Constants of `shaders/conv2d_grouped.wgsl`: of a weight [O, I/groups, KH, KW]. */
function groupedConstants({ geometry, channels: C, outChannels: O, groups }: Convolution) {
  const IG = C / groups;
  return { ...geometry, C, O, IG, OG: O / groups, IG4: quads(IG) };
}

/** Forward pass of a convolution of several groups. */
export function groupedForward(
  { inputs, y, emit }: ForwardPass<unknown>,
  convolution: Convolution,
): void {
  const { geometry: g, bias: BIAS, flops } = convolution;
  const bindings = [read(input(inputs, 'x')), read(input(inputs, 'weight')), write(y)];
  emit.dispatch({
    shader: 'conv2d_grouped',
    entry: 'conv2d_grouped',
    constants: { ...groupedConstants(convolution), BIAS },
    bindings: [...bindings, ...(BIAS ? [read(input(inputs, 'bias'))] : [])],
    workgroups: grid(ceilDiv(g.N * g.OH * g.OW * g.OC4, 64)),
    flops,
  });
}

/** Its gradients. */
export function groupedBackward(
  pass: BackwardPass<unknown>,
  convolution: Convolution,
): Record<string, Tensor> {
  const { emit, gradOutput: dy } = pass;
  const { geometry: g, bias, flops } = convolution;
  const constants = groupedConstants(convolution);
  const x = input(pass.inputs, 'x');
  const dw = pass.parameterGradient('weight');
  const pixels = g.N * g.OH * g.OW;
  const size = g.KH * g.KW * constants.IG4 * 4 * g.OC4 * 4;
  const PER_SPLIT = ceilDiv(pixels, weightSplits(pixels, size));
  const SPLITS = ceilDiv(pixels, PER_SPLIT);
  const partial = SPLITS === 1 ? dw : emit.transient(`${dw.name}.partial`, [SPLITS, size], 'flat');
  emit.dispatch({
    shader: 'conv2d_grouped',
    entry: 'conv2d_grouped_grad_weight',
    constants: { ...constants, SPLITS, PIXELS_PER_SPLIT: PER_SPLIT },
    bindings: [read(x), read(dy), write(partial)],
    workgroups: grid(ceilDiv((SPLITS * size) / 4, 64)),
    flops,
  });
  if (partial !== dw) emit.dispatch(sumPartials(partial, dw, SPLITS, size));
  if (bias) emit.dispatch(channelSum(dy, pass.parameterGradient('bias')));
  if (!pass.wants('x')) return {};
  const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
  const addend = pass.fold('x');
  const bindings = [read(dy), read(input(pass.inputs, 'weight')), write(dx)];
  emit.dispatch({
    shader: 'conv2d_grouped',
    entry: 'conv2d_grouped_grad_input',
    constants: { ...constants, ADDEND: addend !== undefined },
    bindings: [...bindings, ...(addend ? [read(addend)] : [])],
    workgroups: grid(ceilDiv(g.N * g.H * g.W * g.IC4, 64)),
    flops,
  });
  return { x: dx };
}
