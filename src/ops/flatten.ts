/** From images [N, C, H, W] to vectors [N, C·H·W]; see `shaders/flatten.wgsl`. */
import { z } from 'zod';
import { flatten as reference } from '../reference/flatten.ts';
import { ceilDiv, defineOp, grid, input, perImage, read, shapeError, write } from './op.ts';
import { onImages } from './sample.ts';
import { elements, imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

function geometry(x: Shape) {
  const [N, C, h, w] = imageDims(x);
  const F = C * h * w;
  return { N, HW: h * w, C, C4: quads(C), F, F4: quads(F) };
}

export const flatten = defineOp<Record<string, never>>({
  name: 'flatten',
  doc: {
    title: 'Flatten',
    formula: String.raw`y_{n,\,(cH + h)W + w} = x_{n,c,h,w}`,
    gradient: String.raw`\frac{\partial L}{\partial x_{n,c,h,w}} = \frac{\partial L}{\partial y_{n,\,(cH + h)W + w}}`,
    source: 'row-major order, as PyTorch’s torch.flatten',
  },
  reference,
  samples: onImages(),
  params: z.strictObject({}),
  inputs: ['x'],
  inferShape: (_, { x = [] }) => {
    if (x.length !== 4)
      throw shapeError(`there is nothing to flatten in [${x.join(', ')}]`, {
        kind: 'flat',
        shape: perImage(x),
      });
    return [x[0] ?? 0, elements(x.slice(1))];
  },
  looksAt: () => 'image',
  flops: () => 0,
  forward: ({ inputs, y, emit }) => {
    const x = input(inputs, 'x');
    const g = geometry(x.shape);
    emit.dispatch({
      shader: 'flatten',
      entry: 'flatten',
      constants: g,
      bindings: [read(x), write(y)],
      workgroups: grid(ceilDiv(g.N * g.F4, 64)),
    });
  },
  backward: ({ inputs, gradOutput, emit, wants, fold }): Record<string, Tensor> => {
    if (!wants('x')) return {};
    const x = input(inputs, 'x');
    const g = geometry(x.shape);
    const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
    const addend = fold('x');
    emit.dispatch({
      shader: 'flatten',
      entry: 'flatten_grad',
      constants: { ...g, ADDEND: addend !== undefined },
      bindings: [read(gradOutput), write(dx), ...(addend ? [read(addend)] : [])],
      workgroups: grid(ceilDiv(g.N * g.HW * g.C4, 64)),
    });
    return { x: dx };
  },
});
