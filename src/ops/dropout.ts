/** Dropout (Srivastava et al. 2014), inverted, so that evaluation is the identity; see `shaders/dropout.wgsl`. */
import { z } from 'zod';
import { streamOf } from '../random.ts';
import { ceilDiv, defineOp, grid, input, read, shapeError, uniform, write } from './op.ts';
import type { Emitter, KernelCall } from './op.ts';
import { elements, storedElements } from './tensor.ts';
import type { Tensor } from './tensor.ts';

export const dropoutParams = z.object({
  /** Probability that an element is dropped. */
  p: z.number().min(0).max(1).default(0.5),
});
export type DropoutParams = z.infer<typeof dropoutParams>;

/**
 * y = x·mask / (1 − p). The mask is drawn anew from its key wherever it is needed and never stored; the
 * layer's path is part of the key, so that layers draw independently.
 */
function dropoutCall(
  { p }: DropoutParams,
  path: string,
  { x, y, training, mask, addend }: DropoutTensors,
  emit: Emitter,
): KernelCall {
  const SIZE4 = storedElements(y) / 4;
  return {
    shader: 'dropout',
    entry: 'dropout',
    constants: {
      SIZE4,
      P: p,
      SCALE: p === 1 ? 0 : 1 / (1 - p),
      STREAM: streamOf(path),
      TRAINING: training,
      GIVEN: mask !== undefined,
      ADDEND: addend !== undefined,
    },
    bindings: [
      read(x),
      write(y),
      uniform(emit.step),
      ...(mask ? [read(mask)] : []),
      ...(addend ? [read(addend)] : []),
    ],
    workgroups: grid(ceilDiv(SIZE4, 64)),
    flops: 2 * elements(y.shape),
  };
}

interface DropoutTensors {
  x: Tensor;
  y: Tensor;
  training: boolean;
  mask: Tensor | undefined;
  addend?: Tensor | undefined;
}

/** An optional input `mask` (zeros and ones, shaped like x) takes the place of what is drawn. */
export const dropout = defineOp<DropoutParams>({
  name: 'dropout',
  params: dropoutParams,
  inputs: ['x'],
  inferShape: (_, { x = [], mask }) => {
    if (mask && mask.join() !== x.join()) {
      throw shapeError(`a mask of shape [${mask.join(', ')}] does not fit [${x.join(', ')}]`);
    }
    return x;
  },
  flops: (_, { x = [] }) => 2 * elements(x),
  forward: ({ params, inputs, y, training, emit }) => {
    const tensors = { x: input(inputs, 'x'), y, training, mask: inputs.mask };
    emit.dispatch(dropoutCall(params, y.name, tensors, emit));
  },
  // The gradient of a product with a constant mask: the same product.
  backward: ({
    params,
    inputs,
    y,
    training,
    gradOutput,
    emit,
    wants,
    fold,
  }): Record<string, Tensor> => {
    if (!wants('x')) return {};
    const x = input(inputs, 'x');
    const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
    const tensors = { x: gradOutput, y: dx, training, mask: inputs.mask, addend: fold('x') };
    emit.dispatch(dropoutCall(params, y.name, tensors, emit));
    return { x: dx };
  },
});
