// Dropout (Srivastava et al. 2014), inverted: y = x · mask · SCALE with SCALE = 1 / (1 − P), so that E[y] = x.
// The mask is 0 with probability P and 1 otherwise, drawn from the key (seed, iteration, STREAM, element): the
// backward pass draws the same mask again. GIVEN: the mask is an input. Not TRAINING: y = x.
//
// A draw of 24 bits is exact in f32, so an element is kept when draw / 2²⁴ ≥ P.
// x, y, mask: SIZE4 vec4s. Constants: SIZE4, P, SCALE, STREAM, TRAINING, GIVEN, ADDEND (added to y).
// Dispatch: ⌈SIZE4 / 64⌉ workgroups on x and y, one invocation a vec4.
//#section dropout
//#include step
//#include random
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> step: Step;
//#if GIVEN
@group(0) @binding(3) var<storage, read> mask: array<vec4f>;
//#end
//#if ADDEND
@group(0) @binding(${3 + GIVEN}) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn dropout(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= SIZE4) {
    return;
  }
  var value = x[v];
  //#if TRAINING
  //#if GIVEN
  value *= mask[v] * SCALE;
  //#else
  let draw = vec4f(random4(step.seed, step.iteration, STREAM, u32(v)) >> vec4u(8u)) / 16777216.0;
  value = select(vec4f(), value * SCALE, draw >= vec4f(P));
  //#end
  //#end
  //#if ADDEND
  y[v] = value + addend[v];
  //#else
  y[v] = value;
  //#end
}
