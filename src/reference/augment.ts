/**
 * Training augmentation of He et al. 2015, section 4.2: pad each image with zeros, cut out a window,
 * mirror it. x: [N, C, H, W]; offsets_yx: [N, 2], the window's top left corner in the padded image;
 * flip: [N], 1 to mirror left-right; y: [N, C, crop, crop]. What lies outside the padding is zero.
 */
import { z } from 'zod';
import { defineOp, pair } from './op.ts';
import { expectShape, imageShape, need, zeros } from './tensor.ts';

export const augment = defineOp({
  params: z.strictObject({
    pad: z.int().min(0),
    /** Size of the window; as large as the image where not given. */
    crop: pair(1).optional(),
  }),
  inputs: ['x', 'offsets_yx', 'flip'],
  forward({ pad, crop }, inputs) {
    const x = need(inputs, 'x');
    const [n, c, h, w] = imageShape(x);
    const [ch, cw] = crop ?? [h, w];
    const offsets = need(inputs, 'offsets_yx');
    const flip = need(inputs, 'flip');
    expectShape('offsets_yx', offsets, [n, 2]);
    expectShape('flip', flip, [n]);
    const y = zeros([n, c, ch, cw]);
    let output = 0;
    for (let image = 0; image < n; image++) {
      const top = offsets.data[2 * image]! - pad;
      const left = offsets.data[2 * image + 1]! - pad;
      for (let channel = 0; channel < c; channel++) {
        for (let i = 0; i < ch; i++) {
          for (let j = 0; j < cw; j++, output++) {
            const row = top + i;
            const column = left + (flip.data[image] ? cw - 1 - j : j);
            if (row >= 0 && row < h && column >= 0 && column < w) {
              y.data[output] = x.data[((image * c + channel) * h + row) * w + column]!;
            }
          }
        }
      }
    }
    return { y };
  },
});
