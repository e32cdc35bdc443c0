// Adds the products of PX pixels of dy with those of x under kernel row r, four at a time; see `conv2d_grad_weight` in
// shaders/conv2d.wgsl.
//#for kw in 0..KW
//#for t in 0..PX / 4
{
  let x_t = transpose(mat4x4f(
    //#for p in 0..4
    x_${(t * 4 + p) * STRIDE_X + kw * DILATION_X},
    //#end
  ));
  //#for v in 0..QV
  dw_${r}_${kw}_${v} += mat4x4f(dy_${t * 4}_${v}, dy_${t * 4 + 1}_${v}, dy_${t * 4 + 2}_${v}, dy_${t * 4 + 3}_${v}) * x_t;
  //#end
}
//#end
//#end
