// Stochastic gradient descent with momentum and weight decay, as PyTorch's torch.optim.SGD:
//
//   g ← g + wd·w,   v ← m·v + g,   w ← w − lr·v          (Nesterov: w ← w − lr·(g + m·v))
//
// All parameters of a network lie in one buffer, their gradients and velocities in two others with the
// same offsets, so one dispatch updates everything. CLIP: gradients are scaled by `clip`, the result of clip_scale.
// CHECKED: nothing changes if a gradient was not finite (shaders/loss_scale.wgsl).
// Constants: SIZE4 (vec4s), CLIP, CHECKED.
// Dispatch: ⌈SIZE4 / 64⌉ workgroups on x and y; one invocation a vec4.
//#section sgd
//#include step
@group(0) @binding(next) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> velocity: array<vec4f>;
@group(0) @binding(next) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(next) var<uniform> step: Step;
//#if CLIP
@group(0) @binding(next) var<storage, read> clip: array<f32>;
//#end
//#if CHECKED
@group(0) @binding(next) var<storage, read> loss_scale: array<f32>;
//#end

@compute @workgroup_size(64)
fn sgd(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= SIZE4) {
    return;
  }
  //#if CHECKED
  if (loss_scale[3] == 0.0) {
    return;
  }
  //#end
  //#include clipped_gradient
  let g = raw + step.weight_decay * weight[v];
  let momentum = step.momentum * velocity[v] + g;
  velocity[v] = momentum;
  weight[v] -= step.learning_rate * select(momentum, g + step.momentum * momentum, step.nesterov == 1u);
}

// Adam (Kingma & Ba 2014, algorithm 1), as torch.optim.Adam; DECOUPLED: AdamW (Loshchilov & Hutter 2017),
// whose weight decay acts on the weight and not on the gradient. At update t of these parameters:
//
//   Adam: g ← g + wd·w;   AdamW: w ← (1 − lr·wd)·w
//   m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²
//   w ← w − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
//
// 1 − βᵗ is computed as −expm1(t·log β), which does not cancel for β near 1.
// As in PyTorch, t counts the updates of these parameters and not the steps of the network: those of a shortcut that is cut
// miss some. Constants: SIZE4, BETA1, BETA2, LOG_BETA1, LOG_BETA2, EPS, DECOUPLED, CLIP, CHECKED. Mapping and dispatch as for SGD.
//#section adam
//#include step
//#include math
@group(0) @binding(next) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> first_moment: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> second_moment: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> updates: array<f32>;
@group(0) @binding(next) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(next) var<uniform> step: Step;
//#if CLIP
@group(0) @binding(next) var<storage, read> clip: array<f32>;
//#end
//#if CHECKED
@group(0) @binding(next) var<storage, read> loss_scale: array<f32>;
//#end

@compute @workgroup_size(64)
fn adam(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= SIZE4) {
    return;
  }
  //#if CHECKED
  if (loss_scale[3] == 0.0) {
    return;
  }
  //#end
  //#include clipped_gradient
  //#if DECOUPLED
  let g = raw;
  let decayed = weight[v] * (1.0 - step.learning_rate * step.weight_decay);
  //#else
  let g = raw + step.weight_decay * weight[v];
  let decayed = weight[v];
  //#end
  let first = BETA1 * first_moment[v] + (1.0 - BETA1) * g;
  let second = BETA2 * second_moment[v] + (1.0 - BETA2) * g * g;
  first_moment[v] = first;
  second_moment[v] = second;
  let t = updates[v] + 1.0;
  updates[v] = t;
  let bias = -expm1(vec4f(t * LOG_BETA1, t * LOG_BETA2, 0.0, 0.0));
  weight[v] = decayed - step.learning_rate * (first / bias.x) / (sqrt(second / bias.y) + EPS);
}

// Clipping by the global norm (Pascanu et al. 2013, "On the difficulty of training recurrent neural networks",
// section 3.2), as torch.nn.utils.clip_grad_norm_: with n = √(Σ g²) over all gradients,
//
//   g ← g · min(1, max_norm / (n + 1e-6)).
//
// Squares of floats overflow above 1.8e19, where clipping matters most, so there are two sums (Blue 1978, "A portable Fortran
// program to find the Euclidean norm of a vector", with two ranges of the three): Σ g² and Σ (g·2⁻⁸⁰)².
//
// Both sums of one stretch of gradients, in fixed order: workgroup i sums every GROUPS-th block of 64
// vec4s and writes partial[FIRST + i]. Constants: SIZE4, GROUPS, FIRST. Dispatch: GROUPS workgroups.
//#section sum_squares
@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec2f>;

//#include sum_of_lanes

@compute @workgroup_size(64)
fn sum_squares(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var sum = vec2f();
  for (var v = i32(group.x * 64u + lane); v < SIZE4; v += GROUPS * 64) {
    let g = gradient[v];
    let small = g * SCALED;
    sum += vec2f(dot(g, g), dot(small, small));
  }
  sum = sum_of_lanes(lane, sum);
  if (lane == 0u) {
    partial[FIRST + i32(group.x)] = sum;
  }
}

// clip[0] = n, clip[1] = the factor. Constants: COUNT (partial sums). Dispatch: one workgroup.
//#section clip_scale
//#include step
@group(0) @binding(0) var<storage, read> partial: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> clip: array<f32>;
@group(0) @binding(2) var<uniform> step: Step;

//#include sum_of_lanes

@compute @workgroup_size(64)
fn clip_scale(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2f();
  for (var i = i32(lane); i < COUNT; i += 64) {
    sum += partial[i];
  }
  sum = sum_of_lanes(lane, sum);
  if (lane == 0u) {
    let norm = select(sqrt(sum.y) / SCALED, sqrt(sum.x), sum.x < 1e38);
    clip[0] = norm;
    clip[1] = min(1.0, step.max_norm / (norm + 1e-6));
  }
}
