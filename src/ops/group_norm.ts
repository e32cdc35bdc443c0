/**
 * Group norm (Wu & He 2018), instance norm (Ulyanov et al. 2016) and layer norm (Ba et al. 2016): each
 * picture is normalized by itself, over groups of its channels. One family of kernels serves all three,
 * `shaders/group_norm.wgsl`.
 */
import { z } from 'zod';
import { ceilDiv, defineOp, grid, input, read, shapeError, write } from './op.ts';
import type { BackwardPass, ForwardPass, Op, ParameterSpec } from './op.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

const common = {
  eps: z.number().positive().default(1e-5),
  /** Whether γ (`weight`) and β (`bias`) are learned. */
  affine: z.boolean().default(true),
};

/** How a tensor is divided: `N` pictures of `HW` pixels, each with `G` groups of its `C` channels. */
interface Division {
  N: number;
  HW: number;
  C: number;
  G: number;
  /** Whether γ and β differ from pixel to pixel, too. */
  elementwise: boolean;
}

interface NormParams {
  eps: number;
  affine: boolean;
}

function geometry({ N, HW, C, G, elementwise: ELEMENTWISE }: Division, { affine }: NormParams) {
  const CG = C / G;
  // As many invocations a group as it has elements, but no more than a workgroup holds.
  const LANES = Math.min(64, 2 ** Math.ceil(Math.log2(CG * HW)));
  const constants = { N, HW, C, C4: quads(C), G, CG, LANES, AFFINE: affine, ELEMENTWISE };
  return {
    constants,
    perGroup: grid(ceilDiv(N * G * LANES, 64)),
    perQuad: grid(ceilDiv(N * HW * quads(C), 64)),
    perAffine: grid((ELEMENTWISE ? HW : 1) * quads(C)),
  };
}

function normForward(pass: ForwardPass<NormParams>, division: Division): void {
  const { params, inputs, y, emit, saved } = pass;
  const x = input(inputs, 'x');
  const { constants, perGroup, perQuad } = geometry(division, params);
  const { N, G } = constants;
  const statistics = emit.transient(`${y.name}.statistics`, [N, G, 2], 'flat');
  saved.statistics = statistics;
  emit.dispatch({
    shader: 'group_norm',
    entry: 'statistics',
    constants: { ...constants, EPS: params.eps },
    bindings: [read(x), write(statistics)],
    workgroups: perGroup,
    flops: 5 * elements(x.shape),
  });
  const affine = params.affine ? [read(input(inputs, 'weight')), read(input(inputs, 'bias'))] : [];
  emit.dispatch({
    shader: 'group_norm',
    entry: 'normalize',
    constants,
    bindings: [read(x), read(statistics), write(y), ...affine],
    workgroups: perQuad,
    flops: 4 * elements(x.shape),
  });
}

function normBackward(pass: BackwardPass<NormParams>, division: Division): Record<string, Tensor> {
  const { params, inputs, emit, saved, gradOutput: dy } = pass;
  const x = input(inputs, 'x');
  const statistics = input(saved, 'statistics');
  const { constants, perGroup, perQuad, perAffine } = geometry(division, params);
  const { N, G } = constants;
  const weight = params.affine ? [read(input(inputs, 'weight'))] : [];
  if (params.affine) {
    emit.dispatch({
      shader: 'group_norm',
      entry: 'grad_affine',
      constants,
      bindings: [
        read(x),
        read(statistics),
        read(dy),
        write(pass.parameterGradient('weight')),
        write(pass.parameterGradient('bias')),
      ],
      workgroups: perAffine,
      flops: 5 * elements(x.shape),
    });
  }
  if (!pass.wants('x')) return {};
  const means = emit.transient(`d(${x.name}).means`, [N, G, 2], 'flat');
  emit.dispatch({
    shader: 'group_norm',
    entry: 'grad_means',
    constants,
    bindings: [read(x), read(statistics), read(dy), write(means), ...weight],
    workgroups: perGroup,
    flops: 5 * elements(x.shape),
  });
  const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
  const addend = pass.fold('x');
  emit.dispatch({
    shader: 'group_norm',
    entry: 'grad_input',
    constants: { ...constants, ADDEND: addend !== undefined },
    bindings: [
      read(x),
      read(statistics),
      read(dy),
      read(means),
      write(dx),
      ...weight,
      ...(addend ? [read(addend)] : []),
    ],
    workgroups: perQuad,
    flops: 6 * elements(x.shape),
  });
  return { x: dx };
}

/** A norm of each picture by itself. `divide` says over what, and refuses shapes that do not fit. */
function groupwiseNorm<P extends NormParams>(
  name: string,
  params: z.ZodType<P>,
  divide: (params: P, x: Shape) => Division,
): Op {
  return defineOp<P>({
    name,
    params,
    inputs: ['x'],
    parameters: (params, x): Record<string, ParameterSpec> => {
      if (!params.affine) return {};
      const { C, elementwise } = divide(params, x);
      const shape = elementwise ? x.slice(1) : [C];
      const layout = elementwise ? 'image' : 'channels';
      return {
        weight: { shape, layout, init: { kind: 'constant', value: 1 } },
        bias: { shape, layout, init: { kind: 'constant', value: 0 } },
      };
    },
    inferShape: (params, { x = [] }) => {
      divide(params, x);
      return x;
    },
    flops: (_, { x = [] }) => 9 * elements(x),
    forward: (pass) => {
      normForward(pass, divide(pass.params, input(pass.inputs, 'x').shape));
    },
    backward: (pass) => normBackward(pass, divide(pass.params, input(pass.inputs, 'x').shape)),
  });
}

function divideChannels(name: string, x: Shape, groups?: number): Division {
  if (x.length !== 4) throw shapeError(`${name} takes images [N, C, H, W], not [${x.join(', ')}]`);
  const [N, C, h, w] = imageDims(x);
  const G = groups ?? C;
  if (C % G !== 0) throw shapeError(`${G} groups do not divide ${C} channels evenly`);
  return { N, HW: h * w, C, G, elementwise: false };
}

/** γ and β per channel; statistics over C/groups channels of one picture. */
export const groupNorm = groupwiseNorm(
  'group_norm',
  z.object({ groups: z.int().min(1), ...common }),
  ({ groups }, x) => divideChannels('group norm', x, groups),
);

/** Group norm with one group a channel. */
export const instanceNorm = groupwiseNorm('instance_norm', z.object(common), (_, x) =>
  divideChannels('instance norm', x),
);

/**
 * `normalized_shape` [C, H, W] of images or [C] of vectors: all of a picture, γ and β for each element.
 * [C] of images: across the channels of each pixel, γ and β per channel (as ConvNeXt does).
 */
export const layerNorm = groupwiseNorm(
  'layer_norm',
  z.object({ normalized_shape: z.array(z.int().min(1)).min(1), ...common }),
  ({ normalized_shape: shape }, x) => {
    const [N, C, h, w] = imageDims(x);
    if (shape.join() === x.slice(1).join()) {
      // For vectors a pixel is all there is: γ and β per channel are γ and β per element.
      return { N, HW: h * w, C, G: 1, elementwise: x.length === 4 };
    }
    if (x.length === 4 && shape.length === 1 && shape[0] === C) {
      return { N: N * h * w, HW: 1, C, G: 1, elementwise: false };
    }
    throw shapeError(
      `layer norm over [${shape.join(', ')}] does not fit [${x.join(', ')}]: it takes all axes after the first, or the channels alone`,
    );
  },
);
