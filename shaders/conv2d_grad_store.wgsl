// Writes a block of dx and, with SUMS, the sums of the slice it belongs to: that of the workgroup (COOPERATE), or its own.
// Blocks that are not `used` write nothing; see `conv2d_grad_input` in shaders/conv2d.wgsl.
//#if SUMS
//#for v in 0..QV
var sum_${v} = vec4f();
var product_${v} = vec4f();
let channels_${v} = norm[q + ${v}];
//#end
//#end
//#for y in 0..ROWS
//#for p in 0..PX
{
  let iy = (ry + ${y}) * STRIDE_Y + parity_y;
  let ix = (rx + ${p}) * STRIDE_X + parity_x;
  if (used && iy < H && ix < W) {
    let at = ((n * H + iy) * W + ix) * IC4 + q;
    //#for v in 0..QV
    {
      //#if ADDEND
      var g = dx_${y}_${p}_${v} + addend[at + ${v}];
      //#else
      var g = dx_${y}_${p}_${v};
      //#end
      //#if SUMS
      let centred = norm_x[at + ${v}] - channels_${v}[0];
      //#if MASK_STORED
      g = select(vec4f(), g, x[at + ${v}] > vec4f());
      //#end
      //#if MASK_VIEW
      g = select(vec4f(), g, centred * channels_${v}[1] + channels_${v}[2] > vec4f());
      //#end
      sum_${v} += g;
      product_${v} += g * centred;
      //#end
      dx[at + ${v}] = g;
    }
    //#end
  }
}
//#end
//#end
//#if SUMS
//#for v in 0..QV
//#if COOPERATE
sums[lane] = sum_${v};
products[lane] = product_${v};
for (var half = 32u; half > 0u; half /= 2u) {
  workgroupBarrier();
  if (lane < half) {
    sums[lane] += sums[lane + half];
    products[lane] += products[lane + half];
  }
}
if (lane == 0u) {
  let at = (i32(group.z * groups.x + group.x) * IC4 + q + ${v}) * 2;
  partial[at] = sums[0];
  partial[at + 1] = products[0];
}
workgroupBarrier();
//#else
if (used) {
  let at = ((i32(group.z) * BLOCKS + block) * IC4 + q + ${v}) * 2;
  partial[at] = sum_${v};
  partial[at + 1] = product_${v};
}
//#end
//#end
//#end
