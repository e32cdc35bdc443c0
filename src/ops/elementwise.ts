/** y = max(x, 0) and y = a + b; see `shaders/elementwise.wgsl`. */
import { z } from 'zod';
import { relu as reluReference } from '../reference/activations.ts';
import { add as addReference } from '../reference/residual.ts';
import { ceilDiv, defineOp, grid, input, perImage, read, shapeError, write } from './op.ts';
import type { KernelCall } from './op.ts';
import { IMAGES, onImages } from './sample.ts';
import { elements, storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

const none = z.strictObject({});

function elementwise(
  entry: string,
  bindings: KernelCall['bindings'],
  y: Tensor,
  addend?: Tensor,
): KernelCall {
  const SIZE4 = storedElements(y) / 4;
  return {
    shader: 'elementwise',
    entry,
    constants: { SIZE4, ADDEND: addend !== undefined },
    bindings: [...bindings, ...(addend ? [read(addend)] : [])],
    workgroups: grid(ceilDiv(SIZE4, 64)),
    flops: elements(y.shape),
  };
}

/** One pass that adds two tensors of equal shape. */
export const addCall = (a: Tensor, b: Tensor, y: Tensor): KernelCall =>
  elementwise('add', [read(a), read(b), write(y)], y);

export const relu = defineOp<Record<string, never>>({
  name: 'relu',
  doc: {
    title: 'Rectified linear unit',
    formula: String.raw`y = \max(x, 0)`,
    gradient: String.raw`\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\,[x > 0]`,
    source: 'Nair & Hinton 2010, “Rectified Linear Units Improve Restricted Boltzmann Machines”',
  },
  reference: reluReference,
  samples: onImages(),
  params: none,
  inputs: ['x'],
  inferShape: (_, { x = [] }) => x,
  flops: (_, { x = [] }) => elements(x),
  forward: ({ inputs, y, emit }) => {
    emit.dispatch(elementwise('relu', [read(input(inputs, 'x')), write(y)], y));
  },
  backward: ({ inputs, y, gradOutput, emit, wants, fold }): Record<string, Tensor> => {
    if (!wants('x')) return {};
    const x = input(inputs, 'x');
    const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
    emit.dispatch(elementwise('relu_grad', [read(y), read(gradOutput), write(dx)], dx, fold('x')));
    return { x: dx };
  },
});

export const add = defineOp<Record<string, never>>({
  name: 'add',
  doc: {
    title: 'Residual addition',
    formula: String.raw`y = a + b`,
    gradient: String.raw`\frac{\partial L}{\partial a} = \frac{\partial L}{\partial b} = \frac{\partial L}{\partial y}`,
    source: 'He et al. 2015, “Deep Residual Learning for Image Recognition”, eq. 1',
  },
  reference: addReference,
  samples: IMAGES.map((x) => ({ params: {}, inputs: { a: x, b: x } })),
  params: none,
  inputs: ['a', 'b'],
  inferShape: (_, { a = [], b = [] }) => {
    if (a.join() !== b.join()) {
      throw shapeError(
        `the branches of a residual connection must have one shape, not [${a.join(', ')}] and [${b.join(', ')}]`,
        { kind: 'branches', a: perImage(a), b: perImage(b) },
      );
    }
    return a;
  },
  flops: (_, { a = [] }) => elements(a),
  forward: ({ inputs, y, emit }) => {
    emit.dispatch(addCall(input(inputs, 'a'), input(inputs, 'b'), y));
  },
  // d(a + b)/da = d(a + b)/db = 1: both gradients are the incoming one, without a copy.
  backward: ({ gradOutput, wants }) => ({
    ...(wants('a') && { a: gradOutput }),
    ...(wants('b') && { b: gradOutput }),
  }),
});
