// Adds the taps of kernel row kh and column parity px to row `y` of the block; see `conv2d_grad_input` in
// shaders/conv2d.wgsl. dy·w is the product of a row vector and a matrix: dot products with its columns.
//#for kw in 0..KW
//#if (px + PAD_LEFT - kw * DILATION_X) % STRIDE_X == 0
{
  let first = ((kh * KW + ${kw}) * IC4 * 4 + q * 4) * OC4 + o;
  //#if SHARERS > 1
  //#for s in 0..QV * 4 / SHARERS
  let own_${s} = weight[first + own + ${s * SHARERS} * OC4];
  //#end
  //#end
  //#for v in 0..QV
  {
    let w = mat4x4f(
      //#for lane in 0..4
      //#if SHARERS > 1
      subgroupBroadcast(own_${(v * 4 + lane) / SHARERS}, ${(v * 4 + lane) % SHARERS}u),
      //#else
      weight[first + ${v * 4 + lane} * OC4],
      //#end
      //#end
    );
    //#for p in 0..PX
    dx_${y}_${p}_${v} += dy_${p + (px + PAD_LEFT - kw * DILATION_X) / STRIDE_X - FIRST} * w;
    //#end
  }
  //#end
}
//#end
//#end
