// Writes a block of y and, with MOMENTS, the mean and M2 of the slice it belongs to: that of the workgroup (COOPERATE), or its
// own. Blocks that are not `used` write nothing; see `conv2d` in shaders/conv2d.wgsl.
if (used) {
  //#if NORM
  //#for v in 0..QV
  let norm_${v} = norm_channels(q + ${v});
  //#end
  //#end
  //#for y in 0..ROWS
  //#for p in 0..PX
  //#if OW % PX != 0 || OH % ROWS != 0
  if (ox + ${p} < OW && oy + ${y} < OH) {
  //#else
  {
  //#end
    let at = ((n * OH + oy + ${y}) * OW + ox + ${p}) * OC4 + q;
    //#for v in 0..QV
    //#if NORM
    y[at + ${v}] = normalized(y_${y}_${p}_${v}, at + ${v}, norm_${v});
    //#else
    y[at + ${v}] = y_${y}_${p}_${v};
    //#end
    //#end
  }
  //#end
  //#end
}
//#if MOMENTS
//#for v in 0..QV
{
  var mean = vec4f();
  //#for y in 0..ROWS
  //#for p in 0..PX
  mean += y_${y}_${p}_${v};
  //#end
  //#end
  mean /= f32(ROWS * PX);
  var m2 = vec4f();
  //#for y in 0..ROWS
  //#for p in 0..PX
  m2 += (y_${y}_${p}_${v} - mean) * (y_${y}_${p}_${v} - mean);
  //#end
  //#end
  //#if COOPERATE
  means[lane] = mean;
  deviations[lane] = m2;
  counts[lane] = select(0.0, f32(ROWS * PX), used);
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      absorb(lane, lane + half);
    }
  }
  if (lane == 0u) {
    let at = (i32(group.x) * OC4 + q + ${v}) * 2;
    partial[at] = means[0];
    partial[at + 1] = deviations[0];
  }
  workgroupBarrier();
  //#else
  if (used) {
    let at = (block * OC4 + q + ${v}) * 2;
    partial[at] = mean;
    partial[at + 1] = m2;
  }
  //#end
}
//#end
//#end
