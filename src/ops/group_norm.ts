/**
 * Group norm (Wu & He 2018), instance norm (Ulyanov et al. 2016) and layer norm (Ba et al. 2016): each
 * picture is normalized by itself, over groups of its channels. One family of kernels serves all three,
 * `shaders/group_norm.wgsl`.
 */
import { z } from 'zod';
import * as reference from '../reference/norm.ts';
import type { ReferenceOp } from '../reference/op.ts';
import { NORM_GRADIENT, normFormula, normParams } from './norm.ts';
import { ceilDiv, defineOp, grid, input, perImage, read, shapeError, write } from './op.ts';
import type { BackwardPass, Documentation, ForwardPass, Op, ParameterSpec } from './op.ts';
import { IMAGES } from './sample.ts';
import type { Sample } from './sample.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

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
  init: 'ones' | 'zeros';
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

/** What sets a norm apart. */
interface Variant<P> {
  name: string;
  params: z.ZodType<P>;
  doc: Documentation;
  reference: ReferenceOp;
  samples: Sample[];
  /** Says over what the statistics go, and refuses shapes that do not fit. */
  divide: (params: P, x: Shape) => Division;
}

/** A norm of each picture by itself. */
function groupwiseNorm<P extends NormParams>({ divide, ...rest }: Variant<P>): Op {
  return defineOp<P>({
    ...rest,
    inputs: ['x'],
    parameters: (params, x): Record<string, ParameterSpec> => {
      if (!params.affine) return {};
      const { C, elementwise } = divide(params, x);
      const shape = elementwise ? x.slice(1) : [C];
      const layout = elementwise ? 'image' : 'channels';
      return {
        weight: {
          shape,
          layout,
          init: { kind: 'constant', value: Number(params.init === 'ones') },
        },
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
  if (x.length !== 4)
    throw shapeError(`${name} takes images [N, C, H, W], not [${x.join(', ')}]`, {
      kind: 'images',
      shape: perImage(x),
    });
  const [N, C, h, w] = imageDims(x);
  const G = groups ?? C;
  if (C % G !== 0)
    throw shapeError(`${G} groups do not divide the ${C} channels of [${x.join(', ')}]`, {
      kind: 'groups',
      groups: G,
      channels: C,
    });
  return { N, HW: h * w, C, G, elementwise: false };
}

const affine = (...shape: number[]) => ({ weight: shape, bias: shape });

export const groupNormParams = z.strictObject({
  groups: z.int().min(1).describe('Into how many groups the channels of a picture are divided'),
  ...normParams,
});

/** γ and β per channel; statistics over C/groups channels of one picture. */
export const groupNorm = groupwiseNorm({
  name: 'group_norm',
  params: groupNormParams,
  doc: {
    title: 'Group normalization',
    formula: normFormula('H, W and the channels of a group'),
    gradient: NORM_GRADIENT,
    source: 'Wu & He 2018, “Group Normalization”',
  },
  reference: reference.groupNorm,
  samples: [
    ...IMAGES.map((x) => ({
      params: { groups: x[1] === 6 ? 3 : 1, eps: 1e-3 },
      inputs: { x, ...affine(x[1] ?? 1) },
    })),
    { params: { groups: 2 }, inputs: { x: [2, 10, 6, 5], ...affine(10) } },
    { params: { groups: 7, affine: false }, inputs: { x: [1, 7, 3, 4] } },
  ],
  divide: ({ groups }, x) => divideChannels('group norm', x, groups),
});

export const instanceNormParams = z.strictObject(normParams);

/** Group norm with one group a channel. */
export const instanceNorm = groupwiseNorm({
  name: 'instance_norm',
  params: instanceNormParams,
  doc: {
    title: 'Instance normalization',
    formula: normFormula('H, W'),
    gradient: NORM_GRADIENT,
    source:
      'Ulyanov et al. 2016, “Instance Normalization: The Missing Ingredient for Fast Stylization”',
  },
  reference: reference.instanceNorm,
  samples: IMAGES.flatMap((x) => [
    { params: { eps: 1e-3 }, inputs: { x, ...affine(x[1] ?? 1) } },
    { params: { eps: 1e-3, affine: false }, inputs: { x } },
  ]),
  divide: (_, x) => divideChannels('instance norm', x),
});

export const layerNormParams = z.strictObject({
  normalized_shape: z
    .union([z.enum(['CHW', 'C']), z.array(z.int().min(1)).min(1)])
    .default('CHW')
    .describe(
      '`CHW`, or the sizes [C, H, W] themselves: all of a picture, γ and β for each element. `C`, or [C]: across the channels of each pixel, γ and β per channel (as ConvNeXt does; PyTorch would take the last axis)',
    ),
  ...normParams,
});

export const layerNorm = groupwiseNorm({
  name: 'layer_norm',
  params: layerNormParams,
  doc: {
    title: 'Layer normalization',
    formula: normFormula('C, H, W, or C alone at each position'),
    gradient: NORM_GRADIENT,
    source:
      'Ba et al. 2016, “Layer Normalization”; over channels: Liu et al. 2022, “A ConvNet for the 2020s”',
  },
  reference: reference.layerNorm,
  samples: [
    ...IMAGES.flatMap((x) => [
      { params: { eps: 1e-3 }, inputs: { x, ...affine(...x.slice(1)) } },
      { params: { eps: 1e-3, affine: false }, inputs: { x } },
      { params: { normalized_shape: 'C', eps: 1e-3 }, inputs: { x, ...affine(x[1] ?? 1) } },
    ]),
    { params: { normalized_shape: [9] }, inputs: { x: [5, 9], ...affine(9) } },
    { params: { normalized_shape: [5, 3, 7] }, inputs: { x: [2, 5, 3, 7], ...affine(5, 3, 7) } },
  ],
  divide: ({ normalized_shape: given }, x) => {
    const [N, C, h, w] = imageDims(x);
    const shape = given === 'CHW' ? x.slice(1) : given === 'C' ? [C] : given;
    if (shape.join() === x.slice(1).join()) {
      // For vectors a pixel is all there is: γ and β per channel are γ and β per element.
      return { N, HW: h * w, C, G: 1, elementwise: x.length === 4 };
    }
    if (x.length === 4 && shape.length === 1 && shape[0] === C) {
      return { N: N * h * w, HW: 1, C, G: 1, elementwise: false };
    }
    throw shapeError(
      `layer norm over [${shape.join(', ')}] does not fit [${x.join(', ')}]: it takes all axes after the first, or the channels alone`,
      { kind: 'normalized', axes: shape.join('×'), shape: perImage(x) },
    );
  },
});
