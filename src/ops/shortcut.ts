/** Option A shortcut: subsample, and fill new channels with zeros; see `shaders/shortcut.wgsl`. */
import { z } from 'zod';
import { shortcutOptionA as reference } from '../reference/residual.ts';
import { ceilDiv, defineOp, grid, input, perImage, read, shapeError, write } from './op.ts';
import { imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

const shortcutParams = z.strictObject({
  out_channels: z.int().min(1).describe('Channels of y, as many as those of x or more'),
  stride: z.int().min(1).describe('Every so many pixels of x is taken'),
  zero_channels: z
    .enum(['end', 'both'])
    .default('end')
    .describe('Where the new channels go: all after the old ones, or half before and half after'),
});
export type ShortcutParams = z.infer<typeof shortcutParams>;

function geometry({ out_channels, stride, zero_channels }: ShortcutParams, x: Shape) {
  const [N, C, H, W] = imageDims(x);
  return {
    N,
    H,
    W,
    C,
    C4: quads(C),
    OH: ceilDiv(H, stride),
    OW: ceilDiv(W, stride),
    OC4: quads(out_channels),
    STRIDE: stride,
    FIRST: zero_channels === 'both' ? Math.floor((out_channels - C) / 2) : 0,
  };
}

export const shortcutOptionA = defineOp<ShortcutParams>({
  name: 'shortcut_option_a',
  doc: {
    title: 'Option A shortcut',
    formula: String.raw`y_{n,\,f+c,\,i,\,j} = x_{n,\,c,\,is,\,js},\qquad 0 \text{ in all other channels}`,
    symbols:
      'where $s$ is the stride and $f$ the number of new channels in front: 0, or $\\lfloor(C_y - C_x)/2\\rfloor$ with zeros on `both` sides. Vectors $[N, C]$ are images of one pixel',
    gradient: String.raw`\frac{\partial L}{\partial x_{n,\,c,\,is,\,js}} = \frac{\partial L}{\partial y_{n,\,f+c,\,i,\,j}},\qquad 0 \text{ at all other pixels}`,
    source: 'He et al. 2015, “Deep Residual Learning for Image Recognition”, section 3.3, option A',
  },
  reference,
  samples: [
    { params: { out_channels: 8, stride: 2 }, inputs: { x: [2, 4, 5, 7] } },
    {
      params: { out_channels: 9, stride: 2, zero_channels: 'both' },
      inputs: { x: [1, 3, 7, 5] },
    },
    { params: { out_channels: 2, stride: 1 }, inputs: { x: [1, 2, 1, 1] } },
    { params: { out_channels: 11, stride: 1, zero_channels: 'both' }, inputs: { x: [3, 6] } },
  ],
  params: shortcutParams,
  inputs: ['x'],
  inferShape: ({ out_channels, stride }, { x = [] }) => {
    const [n, c, h, w] = imageDims(x);
    const pixels = x.length === 2 ? [] : [ceilDiv(h, stride), ceilDiv(w, stride)];
    const y = [n, out_channels, ...pixels];
    if (out_channels < c) {
      throw shapeError(
        `an option A shortcut only adds zeros, it cannot go from [${x.join(', ')}] to [${y.join(', ')}]: use option B`,
        { kind: 'narrowing', from: perImage(x), to: perImage(y) },
      );
    }
    return y;
  },
  looksAt: ({ stride }) => ({ count: [1, 1], stride: [stride, stride], dilation: [1, 1] }),
  flops: () => 0,
  forward: ({ params, inputs, y, emit }) => {
    const x = input(inputs, 'x');
    const g = geometry(params, x.shape);
    emit.dispatch({
      shader: 'shortcut',
      entry: 'shortcut_option_a',
      constants: g,
      bindings: [read(x), write(y)],
      workgroups: grid(ceilDiv(g.N * g.OH * g.OW * g.OC4, 64)),
    });
  },
  backward: ({ params, inputs, gradOutput, emit, wants, fold }): Record<string, Tensor> => {
    if (!wants('x')) return {};
    const x = input(inputs, 'x');
    const g = geometry(params, x.shape);
    const addend = fold('x');
    const dx = emit.transient(`d(${x.name})`, x.shape, 'image');
    emit.dispatch({
      shader: 'shortcut',
      entry: 'shortcut_option_a_grad',
      constants: { ...g, ADDEND: addend !== undefined },
      bindings: [read(gradOutput), write(dx), ...(addend ? [read(addend)] : [])],
      workgroups: grid(ceilDiv(g.N * g.H * g.W * g.C4, 64)),
    });
    return { x: dx };
  },
});
