/** Global average pooling, [N, C, H, W] to [N, C]; see `shaders/pool.wgsl`. */
import { z } from 'zod';
import { globalAvgPool as reference } from '../reference/pool.ts';
import { ceilDiv, defineOp, grid, input, perImage, read, shapeError, write } from './op.ts';
import { onImages } from './sample.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

function geometry(x: Shape) {
  const [N, c, h, w] = imageDims(x);
  return { N, HW: h * w, C4: quads(c) };
}

export const globalAvgPool = defineOp<Record<string, never>>({
  name: 'global_avg_pool',
  doc: {
    title: 'Global average pooling',
    formula: String.raw`y_{n,c} = \frac{1}{HW} \sum_{h,w} x_{n,c,h,w}`,
    gradient: String.raw`\frac{\partial L}{\partial x_{n,c,h,w}} = \frac{1}{HW} \frac{\partial L}{\partial y_{n,c}}`,
    source: 'Lin et al. 2013, “Network In Network”, section 3.2',
  },
  reference,
  samples: onImages(),
  params: z.strictObject({}),
  inputs: ['x'],
  inferShape: (_, { x = [] }) => {
    if (x.length !== 4) {
      throw shapeError(`global average pooling takes images [N, C, H, W], not [${x.join(', ')}]`, {
        kind: 'images',
        shape: perImage(x),
      });
    }
    return x.slice(0, 2);
  },
  looksAt: () => 'image',
  flops: (_, { x = [] }) => elements(x),
  forward: ({ inputs, y, emit }) => {
    const x = input(inputs, 'x');
    const { N, HW, C4 } = geometry(x.shape);
    emit.dispatch({
      shader: 'pool',
      entry: 'global_avg_pool',
      constants: { N, HW, C4 },
      bindings: [read(x), write(y)],
      workgroups: grid(ceilDiv(N * C4, 64)),
    });
  },
  backward: ({ inputs, gradOutput, emit, wants, fold }): Record<string, Tensor> => {
    if (!wants('x')) return {};
    const x = input(inputs, 'x');
    const { N, HW, C4 } = geometry(x.shape);
    const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
    const addend = fold('x');
    emit.dispatch({
      shader: 'pool',
      entry: 'global_avg_pool_grad',
      constants: { N, HW, C4, ADDEND: addend !== undefined },
      bindings: [read(gradOutput), write(dx), ...(addend ? [read(addend)] : [])],
      workgroups: grid(ceilDiv(N * HW * C4, 64)),
    });
    return { x: dx };
  },
});
