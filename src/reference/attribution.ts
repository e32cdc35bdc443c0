/** Maps of where a network looks, in float64; see `shaders/attribution.wgsl` for the formulas and where they come from. */
import { imageShape, tensor } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/** Grad-CAM of activations [N, C, H, W] and the gradient of a logit at them: [N, H, W]. */
export function gradCam(activations: Tensor, gradient: Tensor): Tensor {
  const [n, c, h, w] = imageShape(activations);
  const plane = h * w;
  const map = new Float64Array(n * plane);
  for (let image = 0; image < n; image++) {
    for (let k = 0; k < c; k++) {
      const from = (image * c + k) * plane;
      const alpha = gradient.data.subarray(from, from + plane).reduce((a, b) => a + b, 0) / plane;
      for (let p = 0; p < plane; p++) {
        map[image * plane + p]! += alpha * (activations.data[from + p] ?? 0);
      }
    }
  }
  return tensor(
    [n, h, w],
    map.map((value) => Math.max(0, value)),
  );
}

/** The largest |gradient| of a pixel's channels: [N, H, W] of the gradient [N, C, H, W]. */
export function saliency(gradient: Tensor): Tensor {
  const [n, c, h, w] = imageShape(gradient);
  const plane = h * w;
  const map = new Float64Array(n * plane);
  gradient.data.forEach((value, i) => {
    const at = Math.floor(i / (c * plane)) * plane + (i % plane);
    map[at] = Math.max(map[at] ?? 0, Math.abs(value));
  });
  return tensor([n, h, w], map);
}
