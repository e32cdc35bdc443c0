/**
 * Activations y = f(x), element by element; formulas are in `shaders/activation.wgsl`. ReLU stands in
 * `elementwise.ts`: its gradient needs y alone, so that it can be fused.
 */
import { z } from 'zod';
import { ceilDiv, defineOp, grid, input, read, write } from './op.ts';
import type { KernelCall, Op } from './op.ts';
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

function activation<P>(name: string, params: z.ZodType<P>, choose: (params: P) => Chosen): Op {
  return defineOp<P>({
    name,
    params,
    inputs: ['x'],
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

const none = z.object({});

export const identity = activation('identity', none, () => ({ function: 'IDENTITY' }));
export const sigmoid = activation('sigmoid', none, () => ({ function: 'SIGMOID' }));
export const tanh = activation('tanh', none, () => ({ function: 'TANH' }));
export const silu = activation('silu', none, () => ({ function: 'SILU' }));

export const gelu = activation(
  'gelu',
  z.object({
    /** `none`: by the error function; `tanh`: the approximation by a hyperbolic tangent. */
    approximate: z.enum(['none', 'tanh']).default('none'),
  }),
  ({ approximate }) => ({ function: approximate === 'tanh' ? 'GELU_TANH' : 'GELU' }),
);

export const elu = activation('elu', z.object({ alpha: z.number().default(1) }), ({ alpha }) => ({
  function: 'ELU',
  alpha,
}));

export const leakyRelu = activation(
  'leaky_relu',
  z.object({ negative_slope: z.number().default(0.01) }),
  ({ negative_slope: alpha }) => ({ function: 'LEAKY_RELU', alpha }),
);
