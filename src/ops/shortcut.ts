/** Option A shortcut: subsample, and fill new channels with zeros; see `shaders/shortcut.wgsl`. */
import { z } from 'zod';
import { ceilDiv, defineOp, grid, input, read, shapeError, write } from './op.ts';
import { imageDims, quads } from './tensor.ts';
import type { Shape, Tensor } from './tensor.ts';

export const shortcutParams = z.object({
  out_channels: z.int().min(1),
  stride: z.int().min(1),
  zero_channels: z.enum(['end', 'both']).default('end'),
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
  params: shortcutParams,
  inputs: ['x'],
  inferShape: ({ out_channels, stride }, { x = [] }) => {
    const [n, c, h, w] = imageDims(x);
    if (out_channels < c) {
      throw shapeError(
        `an option A shortcut cannot go from ${c} to ${out_channels} channels: it only adds zeros; use option B`,
      );
    }
    return [n, out_channels, ceilDiv(h, stride), ceilDiv(w, stride)];
  },
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
