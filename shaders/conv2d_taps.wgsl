// Adds the taps of kernel row kh to output row `y` of the block; see `conv2d` in shaders/conv2d.wgsl.
//#for v in 0..QV
//#for kw in 0..KW
{
  let first = ((kh * KW + ${kw}) * IC4 * 4 + i * 4) * OC4 + q + ${v};
  //#if BROADCAST
  let own = weight[first + quad_lane * OC4];
  //#for lane in 0..LANES
  let w_${lane} = subgroupBroadcast(own, ${lane}u);
  //#end
  //#else
  //#for lane in 0..LANES
  let w_${lane} = weight[first + ${lane} * OC4];
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
//#end
