// Stochastic gradient descent with momentum and weight decay, as PyTorch's torch.optim.SGD:
//
//   g ← g + wd·w,   v ← m·v + g,   w ← w − lr·v          (Nesterov: w ← w − lr·(g + m·v))
//
// All parameters of a network lie in one buffer, their gradients and velocities in two others with the
// same offsets, so one dispatch updates everything. Constants: SIZE4 (vec4s).
// Dispatch: ⌈SIZE4 / 64⌉ workgroups on x and y; one invocation a vec4.
//#section sgd
//#include step
@group(0) @binding(0) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> velocity: array<vec4f>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<uniform> step: Step;

@compute @workgroup_size(64)
fn sgd(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= SIZE4) {
    return;
  }
  let g = gradient[v] + step.weight_decay * weight[v];
  let momentum = step.momentum * velocity[v] + g;
  velocity[v] = momentum;
  weight[v] -= step.learning_rate * select(momentum, g + step.momentum * momentum, step.nesterov == 1u);
}

// Adam (Kingma & Ba 2014, algorithm 1), as torch.optim.Adam; DECOUPLED: AdamW (Loshchilov & Hutter 2017),
// whose weight decay acts on the weight and not on the gradient. At update t = step.iteration + 1:
//
//   Adam: g ← g + wd·w;   AdamW: w ← (1 − lr·wd)·w
//   m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²
//   w ← w − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
//
// 1 − βᵗ is computed as −expm1(t·log β), which does not cancel for β near 1.
// Constants: SIZE4, BETA1, BETA2, LOG_BETA1, LOG_BETA2, EPS, DECOUPLED. Mapping and dispatch as for SGD.
//#section adam
//#include step
//#include math
@group(0) @binding(0) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> first_moment: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> second_moment: array<vec4f>;
@group(0) @binding(3) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(4) var<uniform> step: Step;

@compute @workgroup_size(64)
fn adam(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= SIZE4) {
    return;
  }
  //#if DECOUPLED
  let g = gradient[v];
  let decayed = weight[v] * (1.0 - step.learning_rate * step.weight_decay);
  //#else
  let g = gradient[v] + step.weight_decay * weight[v];
  let decayed = weight[v];
  //#end
  let first = BETA1 * first_moment[v] + (1.0 - BETA1) * g;
  let second = BETA2 * second_moment[v] + (1.0 - BETA2) * g * g;
  first_moment[v] = first;
  second_moment[v] = second;
  let t = f32(step.iteration + 1u);
  let bias = -expm1(vec4f(t * LOG_BETA1, t * LOG_BETA2, 0.0, 0.0));
  weight[v] = decayed - step.learning_rate * (first / bias.x) / (sqrt(second / bias.y) + EPS);
}
