/** y[n, (c·H + h)·W + w] = x[n,c,h,w]: a row-major image read as a vector. */
import { defineOp, noParams } from './op.ts';
import { imageShape, need } from './tensor.ts';

export const flatten = defineOp({
  params: noParams,
  inputs: ['x'],
  forward(_params, inputs) {
    const x = need(inputs, 'x');
    const [n, c, h, w] = imageShape(x);
    return { y: { shape: [n, c * h * w], data: x.data } };
  },
  backward: (_params, inputs, _outputs, gradOutput) => ({
    x: { shape: need(inputs, 'x').shape, data: gradOutput.data },
  }),
});
