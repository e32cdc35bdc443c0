// What forward convolutions write and add: y, and with MOMENTS the moments of every slice; see `conv2d` in shaders/conv2d.wgsl.
@group(0) @binding(next) var<storage, read_write> y: array<vec4f>;
//#if BIAS
@group(0) @binding(next) var<storage, read> bias: array<vec4f>;
//#end
//#if MOMENTS
@group(0) @binding(next) var<storage, read_write> partial: array<vec4f>;
//#if COOPERATE
var<workgroup> means: array<vec4f, 64>;
var<workgroup> deviations: array<vec4f, 64>;
var<workgroup> counts: array<f32, 64>;
//#include absorb
//#end
//#end
//#if NORM
// The batch norm behind the convolution, by its running estimates, and what follows: relu(norm(y) + shortcut) is written in place of y.
@group(0) @binding(next) var<uniform> running_mean: array<vec4f, OC4>;
@group(0) @binding(next) var<uniform> running_var: array<vec4f, OC4>;
//#if AFFINE
@group(0) @binding(next) var<uniform> gamma: array<vec4f, OC4>;
@group(0) @binding(next) var<uniform> beta: array<vec4f, OC4>;
//#end
//#if SHORTCUT
@group(0) @binding(next) var<storage, read> shortcut: array<vec4f>;
//#end

// The coefficients of a vec4 of channels: μ, γ / √(σ² + ε), β.
fn norm_channels(c: i32) -> mat3x4f {
  let inverse = 1.0 / sqrt(running_var[c] + EPS);
  //#if AFFINE
  return mat3x4f(running_mean[c], gamma[c] * inverse, beta[c]);
  //#else
  return mat3x4f(running_mean[c], inverse, vec4f());
  //#end
}

fn normalized(value: vec4f, at: i32, channels: mat3x4f) -> vec4f {
  var result = (value - channels[0]) * channels[1] + channels[2];
  //#if SHORTCUT
  result += shortcut[at];
  //#end
  //#if RELU
  // Not max(): see shaders/load_x.wgsl.
  result = select(result, vec4f(), result <= vec4f());
  //#end
  return result;
}
//#end
