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
