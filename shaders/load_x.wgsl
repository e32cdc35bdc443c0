// The operand x of a kernel, N,H,W,IC4: as it was written or, with X_VIEW, normalized while it is loaded; see
// `View` in src/ops/tensor.ts. `x_channels` is loaded once for all pixels of a vec4 of channels.
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
//#if X_VIEW
@group(0) @binding(next) var<uniform> x_view: array<mat4x4f, IC4>;

fn x_channels(c: i32) -> mat4x4f {
  return x_view[c];
}

fn load_x(at: i32, channels: mat4x4f) -> vec4f {
  let value = (x[at] - channels[0]) * channels[1] + channels[2];
  //#if X_RELU
  // Not max(): that may turn what is not a number into 0, and a network that diverged would look well.
  return select(value, vec4f(), value <= vec4f());
  //#else
  return value;
  //#end
}
//#else

fn x_channels(c: i32) -> i32 {
  return c;
}

fn load_x(at: i32, channels: i32) -> vec4f {
  return x[at];
}
//#end
