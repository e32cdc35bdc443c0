/**
 * Activations y = f(x), element by element; formulas are in `shaders/activation.wgsl`. ReLU stands in
 * `elementwise.ts`: its gradient needs y alone, so that it can be fused.
 */
import { z } from 'zod';
import * as reference from '../reference/activations.ts';
import type { ReferenceOp } from '../reference/op.ts';
import { tensor } from '../reference/tensor.ts';
import { ceilDiv, defineOp, grid, input, read, write } from './op.ts';
import type { Documentation, KernelCall, Op } from './op.ts';
import { onImages } from './sample.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Tensor } from './tensor.ts';

const FUNCTIONS = [
  'IDENTITY',
  'SIGMOID',
  'TANH',
  'GELU',
  'GELU_TANH',
  'SILU',
  'ELU',
  'LEAKY_RELU',
] as const;

interface Chosen {
  function: (typeof FUNCTIONS)[number];
  /** α of ELU, slope of leaky ReLU. */
  alpha?: number;
}

function activationCall(
  entry: 'activate' | 'activate_grad',
  { function: chosen, alpha = 0 }: Chosen,
  bindings: KernelCall['bindings'],
  y: Tensor,
  addend?: Tensor,
): KernelCall {
  const [n, C, h, w] = imageDims(y.shape);
  const SIZE4 = n * h * w * quads(C);
  const which = Object.fromEntries(FUNCTIONS.map((name) => [name, name === chosen]));
  return {
    shader: 'activation',
    entry,
    constants: { SIZE4, C, C4: quads(C), ALPHA: alpha, ADDEND: addend !== undefined, ...which },
    bindings: [...bindings, ...(addend ? [read(addend)] : [])],
    workgroups: grid(ceilDiv(SIZE4, 64)),
    flops: elements(y.shape),
  };
}

/** What sets an activation apart. */
interface Variant<P> {
  name: string;
  params: z.ZodType<P>;
  choose: (params: P) => Chosen;
  doc: Documentation;
  reference: ReferenceOp;
  /** Parameters beside the defaults that are worth testing. */
  settings?: Record<string, unknown>[];
}

function activation<P>({ choose, settings = [], ...rest }: Variant<P>): Op {
  return defineOp<P>({
    ...rest,
    inputs: ['x'],
    samples: [
      ...[{}, ...settings].flatMap(onImages),
      { params: {}, inputs: { x: tensor([1, 11, 1, 1], EXTREMES) } },
    ],
    inferShape: (_, { x = [] }) => x,
    flops: (_, { x = [] }) => elements(x),
    forward: ({ params, inputs, y, emit }) => {
      const bindings = [read(input(inputs, 'x')), write(y)];
      emit.dispatch(activationCall('activate', choose(params), bindings, y));
    },
    backward: ({ params, inputs, gradOutput, emit, wants, fold }): Record<string, Tensor> => {
      if (!wants('x')) return {};
      const x = input(inputs, 'x');
      const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
      const bindings = [read(x), read(gradOutput), write(dx)];
      emit.dispatch(activationCall('activate_grad', choose(params), bindings, dx, fold('x')));
      return { x: dx };
    },
  });
}

/** Far out nothing may overflow, and near 0 nothing cancel. */
const EXTREMES = [-100, -88, -20, -1, -1e-4, 0, 1e-4, 1, 20, 88, 100];

const none = z.strictObject({});

export const identity = activation({
  name: 'identity',
  params: none,
  choose: () => ({ function: 'IDENTITY' }),
  doc: {
    title: 'Identity',
    formula: String.raw`y = x`,
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}`,
    source: 'a network of linear layers alone is linear: the control of experiments on activations',
  },
  reference: reference.identity,
});

export const sigmoid = activation({
  name: 'sigmoid',
  params: none,
  choose: () => ({ function: 'SIGMOID' }),
  doc: {
    title: 'Sigmoid',
    formula: String.raw`y = \sigma(x) = \frac{1}{1 + e^{-x}}`,
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\, y (1 - y)`,
    source: 'Rumelhart, Hinton & Williams 1986; on its vanishing gradient Hochreiter 1991',
  },
  reference: reference.sigmoid,
});

export const tanh = activation({
  name: 'tanh',
  params: none,
  choose: () => ({ function: 'TANH' }),
  doc: {
    title: 'Hyperbolic tangent',
    formula: String.raw`y = \tanh x`,
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\, (1 - y^2)`,
    source: 'LeCun et al. 1998, “Efficient BackProp”, section 4.4',
  },
  reference: reference.tanh,
});

export const silu = activation({
  name: 'silu',
  params: none,
  choose: () => ({ function: 'SILU' }),
  doc: {
    title: 'SiLU (swish)',
    formula: String.raw`y = x\,\sigma(x)`,
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\, \sigma(x) \left(1 + x\,(1 - \sigma(x))\right)`,
    source: 'Elfwing et al. 2017; Ramachandran et al. 2017',
  },
  reference: reference.silu,
});

export const geluParams = z.strictObject({
  approximate: z
    .enum(['none', 'tanh'])
    .default('none')
    .describe('`none`: by the error function; `tanh`: the approximation by a hyperbolic tangent'),
});

export const gelu = activation({
  name: 'gelu',
  params: geluParams,
  choose: ({ approximate }) => ({ function: approximate === 'tanh' ? 'GELU_TANH' : 'GELU' }),
  doc: {
    title: 'GELU',
    formula: String.raw`y = x\,\Phi(x) = \tfrac{x}{2}\left(1 + \operatorname{erf}\tfrac{x}{\sqrt 2}\right);\quad \text{tanh: } y = \tfrac{x}{2}\left(1 + \tanh\!\left(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\right)\right)`,
    symbols:
      'where $\\Phi$ and $\\varphi$ are distribution and density of the standard normal, and $t$ is the hyperbolic tangent in the approximation',
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \left(\Phi(x) + x\,\varphi(x)\right);\quad \text{tanh: } \frac{\partial L}{\partial y} \left(\frac{1 + t}{2} + \frac{x}{2}\,(1 - t^2)\sqrt{2/\pi}\,(1 + 0.134145\,x^2)\right)`,
    source: 'Hendrycks & Gimpel 2016, “Gaussian Error Linear Units”',
  },
  reference: reference.gelu,
  settings: [{ approximate: 'tanh' }],
});

export const eluParams = z.strictObject({
  alpha: z.number().default(1).describe('The value towards which y goes far below 0, negated'),
});

export const elu = activation({
  name: 'elu',
  params: eluParams,
  choose: ({ alpha }) => ({ function: 'ELU', alpha }),
  doc: {
    title: 'ELU',
    formula: String.raw`y = \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0 \end{cases}`,
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \begin{cases} 1 & x > 0 \\ \alpha\, e^x & x \le 0 \end{cases}`,
    source:
      'Clevert et al. 2015, “Fast and Accurate Deep Network Learning by Exponential Linear Units”',
  },
  reference: reference.elu,
  settings: [{ alpha: 0.7 }],
});

export const leakyReluParams = z.strictObject({
  negative_slope: z.number().default(0.01).describe('Slope below 0'),
});

export const leakyRelu = activation({
  name: 'leaky_relu',
  params: leakyReluParams,
  choose: ({ negative_slope: alpha }) => ({ function: 'LEAKY_RELU', alpha }),
  doc: {
    title: 'Leaky ReLU',
    formula: String.raw`y = \begin{cases} x & x > 0 \\ a\,x & x \le 0 \end{cases}`,
    symbols: 'where $a$ is `negative_slope`',
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \begin{cases} 1 & x > 0 \\ a & x \le 0 \end{cases}`,
    source: 'Maas et al. 2013, “Rectifier Nonlinearities Improve Neural Network Acoustic Models”',
  },
  reference: reference.leakyRelu,
  settings: [{ negative_slope: 0.2 }],
});
