// How many pixels count for a window of an average pooling; see shaders/pool.wgsl.
fn window_size(oy: i32, ox: i32) -> f32 {
  let top = oy * STRIDE_Y - PAD_TOP;
  let left = ox * STRIDE_X - PAD_LEFT;
  //#if COUNT_PADDING
  return f32((min(top + KH, H + PAD_TOP) - top) * (min(left + KW, W + PAD_LEFT) - left));
  //#else
  return f32((min(top + KH, H) - max(top, 0)) * (min(left + KW, W) - max(left, 0)));
  //#end
}
