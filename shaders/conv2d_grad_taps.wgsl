// Adds the taps of kernel row kh and column parity px to row `y` of the block; see `conv2d_grad_input` in
// shaders/conv2d.wgsl. dy·w is the product of a row vector and a matrix: dot products with its columns.
//#for kw in 0..KW
//#if (px + PAD_LEFT - kw * DILATION_X) % STRIDE_X == 0
//#for v in 0..QV
{
  let first = ((kh * KW + ${kw}) * IC4 * 4 + (q + ${v}) * 4) * OC4 + o;
  //#if BROADCAST
  let own = weight[first + quad_lane * OC4];
  let w = mat4x4f(subgroupBroadcast(own, 0u), subgroupBroadcast(own, 1u), subgroupBroadcast(own, 2u), subgroupBroadcast(own, 3u));
  //#else
  let w = mat4x4f(weight[first], weight[first + OC4], weight[first + 2 * OC4], weight[first + 3 * OC4]);
  //#end
  //#for p in 0..PX
  dx_${y}_${p}_${v} += dy_${p + (px + PAD_LEFT - kw * DILATION_X) / STRIDE_X - FIRST} * w;
  //#end
}
//#end
//#end
//#end
