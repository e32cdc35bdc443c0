// Adds the taps of kernel row kh to output row `y` of the block; see `conv2d` in shaders/conv2d.wgsl.
//#for kw in 0..KW
{
  let first = ((kh * KW + ${kw}) * IC4 * 4 + i * 4) * OC4 + q;
  //#if SHARERS > 1
  //#for s in 0..QV * 4 / SHARERS
  let own_${s} = weight[first + own + ${s * SHARERS / 4}];
  //#end
  //#end
  //#for v in 0..QV
  {
    //#for lane in 0..LANES
    //#if SHARERS > 1
    let w_${lane} = subgroupBroadcast(own_${(v * 4 + lane) / SHARERS}, ${(v * 4 + lane) % SHARERS}u);
    //#else
    let w_${lane} = weight[first + ${lane} * OC4 + ${v}];
    //#end
    //#end
    //#if LANES == 4
    let w = mat4x4f(w_0, w_1, w_2, w_3);
    //#end
    //#for p in 0..PX
    //#if LANES == 4
    y_${y}_${p}_${v} += w * x_${p * STRIDE_X + kw * DILATION_X};
    //#else
    //#for lane in 0..LANES
    y_${y}_${p}_${v} += w_${lane} * x_${p * STRIDE_X + kw * DILATION_X}[${lane}];
    //#end
    //#end
    //#end
  }
  //#end
}
//#end
