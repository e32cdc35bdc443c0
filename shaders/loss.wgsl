// Softmax cross-entropy, mean over the first step.valid samples of a batch.
//
//   loss_n = log Σ_k exp(z_k − m) + m − z_t,   m = max_k z_k (so that nothing overflows),   t = label
//   dz_k = (softmax(z)_k − [k = t]) / valid
//
// logits: N,K4 vec4s with K classes used; labels: N. One invocation a sample, one workgroup in all, so that
// the mean is summed in fixed order. Constants: N, K, K4.

// summary = (mean loss, number of wrong answers). A sample is right when its label's logit is the largest;
// the first of equal logits wins, as in argmax. Dispatch: 1 workgroup.
//#section softmax_cross_entropy
//#include step
@group(0) @binding(0) var<storage, read> logits: array<vec4f>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> probabilities: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> summary: array<f32>;
@group(0) @binding(4) var<uniform> step: Step;

var<workgroup> losses: array<f32, 64>;
var<workgroup> errors: array<f32, 64>;

fn logit(n: i32, k: i32) -> f32 {
  return logits[n * K4 + k / 4][k % 4];
}

@compute @workgroup_size(64)
fn softmax_cross_entropy(@builtin(local_invocation_index) lane: u32) {
  var loss = 0.0;
  var wrong = 0.0;
  for (var n = i32(lane); n < N; n += 64) {
    var largest = logit(n, 0);
    var answer = 0;
    for (var k = 1; k < K; k++) {
      if (logit(n, k) > largest) {
        largest = logit(n, k);
        answer = k;
      }
    }
    var sum = 0.0;
    for (var k = 0; k < K; k++) {
      sum += exp(logit(n, k) - largest);
    }
    for (var q = 0; q < K4; q++) {
      let used = vec4i(q * 4) + vec4i(0, 1, 2, 3) < vec4i(K);
      probabilities[n * K4 + q] = select(vec4f(), exp(logits[n * K4 + q] - largest) / sum, used);
    }
    if (u32(n) < step.valid) {
      let label = i32(labels[n]);
      loss += log(sum) + (largest - logit(n, label));
      // Logits that are not numbers compare false everywhere: such an answer is wrong whatever it says.
      wrong += select(1.0, 0.0, answer == label && sum >= 1.0);
    }
  }
  losses[lane] = loss;
  errors[lane] = wrong;
  workgroupBarrier();
  if (lane == 0u) {
    for (var other = 1; other < 64; other++) {
      loss += losses[other];
      wrong += errors[other];
    }
    summary[0] = loss / f32(step.valid);
    summary[1] = wrong;
  }
}

// Dispatch: ⌈N·K4 / 64⌉ workgroups, one invocation a vec4 of the gradient.
//#section softmax_cross_entropy_grad
//#include step
@group(0) @binding(0) var<storage, read> probabilities: array<vec4f>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> dlogits: array<vec4f>;
@group(0) @binding(3) var<uniform> step: Step;

@compute @workgroup_size(64)
fn softmax_cross_entropy_grad(@builtin(global_invocation_id) id: vec3u) {
  let v = i32(id.x);
  if (v >= N * K4) {
    return;
  }
  let n = v / K4;
  let classes = vec4u(u32(v % K4) * 4u) + vec4u(0u, 1u, 2u, 3u);
  let wanted = select(vec4f(), vec4f(1.0), classes == vec4u(labels[n]));
  let gradient = (probabilities[v] - wanted) / f32(step.valid);
  dlogits[v] = select(vec4f(), gradient, u32(n) < step.valid);
}
