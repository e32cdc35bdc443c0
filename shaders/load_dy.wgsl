// The operand dy of a kernel, N,OH,OW,OC4: as it was written or, with DY_VIEW, taken back through a batch norm while it
// is loaded, from the gradient behind the norm and the norm's input; see `View` in src/ops/tensor.ts.
@group(0) @binding(next) var<storage, read> dy: array<vec4f>;
//#if DY_VIEW
@group(0) @binding(next) var<storage, read> dy_x: array<vec4f>;
@group(0) @binding(next) var<uniform> dy_view: array<mat4x4f, OC4>;

fn dy_channels(c: i32) -> mat4x4f {
  return dy_view[c];
}

fn load_dy(at: i32, channels: mat4x4f) -> vec4f {
  return dy[at] * channels[3] + (dy_x[at] - channels[0]) * channels[1] + channels[2];
}
//#else

fn dy_channels(c: i32) -> i32 {
  return c;
}

fn load_dy(at: i32, channels: i32) -> vec4f {
  return dy[at];
}
//#end
