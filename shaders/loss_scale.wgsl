// Dynamic loss scaling (Micikevicius et al. 2018, "Mixed Precision Training", section 3.2). Gradients of activations that are
// stored as f16 vanish below 6e-8 and overflow above 65504. So the loss's gradient, and with it all that follow by the
// chain rule, is multiplied with a power of two, and gradients of weights, which are f32, are divided by it before anyone
// reads them. If one of them is not finite, the step changes no weight and the scale is halved; after INTERVAL
// steps without that it is doubled.
//
// loss_scale: the scale; steps since it changed; steps left out, in all; 1 if the last one's gradients were finite, else 0.

// Divides one stretch of gradients by the scale and counts those that are not finite: workgroup i takes every GROUPS-th
// block of 64 vec4s and writes its count to partial[FIRST + i]. Constants: SIZE4, GROUPS, FIRST. Dispatch: GROUPS workgroups.
//#section unscale
@group(0) @binding(next) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(next) var<storage, read> loss_scale: array<f32>;
@group(0) @binding(next) var<storage, read_write> partial: array<f32>;

//#include sum_of_lanes

fn finite(value: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(value) & vec4u(0x7f800000u)) != vec4u(0x7f800000u);
}

@compute @workgroup_size(64)
fn unscale(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  // The exact reciprocal of a power of two: the exponent's sign changes.
  let inverse = bitcast<f32>(0x7f000000u - bitcast<u32>(loss_scale[0]));
  var overflows = 0.0;
  for (var v = i32(group.x * 64u + lane); v < SIZE4; v += GROUPS * 64) {
    let g = gradient[v];
    overflows += dot(select(vec4f(1.0), vec4f(), finite(g)), vec4f(1.0));
    gradient[v] = g * inverse;
  }
  let sum = sum_of_lanes(lane, vec2f(overflows, 0.0));
  if (lane == 0u) {
    partial[FIRST + i32(group.x)] = sum.x;
  }
}

// What follows from the counts. Constants: COUNT (partial sums), INTERVAL, LEAST and MOST (bounds of the scale).
// Dispatch: one workgroup.
//#section adjust
@group(0) @binding(next) var<storage, read> partial: array<f32>;
@group(0) @binding(next) var<storage, read_write> loss_scale: array<f32>;

//#include sum_of_lanes

@compute @workgroup_size(64)
fn adjust(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2f();
  for (var i = i32(lane); i < COUNT; i += 64) {
    sum.x += partial[i];
  }
  sum = sum_of_lanes(lane, sum);
  if (lane > 0u) {
    return;
  }
  let scale = loss_scale[0];
  let clean = loss_scale[1] + 1.0;
  if (sum.x > 0.0) {
    loss_scale[0] = max(scale / 2.0, f32(LEAST));
    loss_scale[1] = 0.0;
    loss_scale[2] += 1.0;
    loss_scale[3] = 0.0;
  } else {
    loss_scale[0] = select(scale, min(scale * 2.0, f32(MOST)), clean == f32(INTERVAL));
    loss_scale[1] = select(clean, 0.0, clean == f32(INTERVAL));
    loss_scale[3] = 1.0;
  }
}
