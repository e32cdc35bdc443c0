// Softmax cross-entropy over the first step.valid samples of a batch: their mean (MEAN) or their sum.
//
//   log p_k = z_k − m − log Σ_j exp(z_j − m),   m = max_k z_k (so that nothing overflows)
//   loss_n = −Σ_k q_k·log p_k,   dz_k = p_k − q_k, for the mean divided by `valid`
//
// with the target q_k = (1 − ε)·[k = label] + ε/K, where ε = SMOOTHING is usually 0 (label smoothing: Szegedy
// et al. 2016, "Rethinking the Inception Architecture", section 7).
//
// logits: N,K4 vec4s with K classes used; labels: N. One invocation a sample, one workgroup in all, so that
// the loss is summed in fixed order. Constants: N, K, K4, MEAN, SMOOTHING.

// summary = (loss, number of wrong answers). A sample is right when its label's logit is the largest;
// the first of equal logits wins, as in argmax. Dispatch: 1 workgroup.
//#section softmax_cross_entropy
//#include step
@group(0) @binding(0) var<storage, read> logits: array<vec4f>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> probabilities: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> log_probabilities: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> summary: array<f32>;
@group(0) @binding(5) var<uniform> step: Step;

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
    let log_sum = log(sum);
    var log_total = vec4f();
    for (var q = 0; q < K4; q++) {
      let used = vec4i(q * 4) + vec4i(0, 1, 2, 3) < vec4i(K);
      let shifted = logits[n * K4 + q] - largest;
      let log_probability = select(vec4f(), shifted - log_sum, used);
      probabilities[n * K4 + q] = select(vec4f(), exp(shifted) / sum, used);
      log_probabilities[n * K4 + q] = log_probability;
      log_total += log_probability;
    }
    if (u32(n) < step.valid) {
      let label = i32(labels[n]);
      //#if SMOOTHING
      loss += (1.0 - SMOOTHING) * (log_sum + (largest - logit(n, label)));
      loss -= SMOOTHING / f32(K) * dot(log_total, vec4f(1.0));
      //#else
      loss += log_sum + (largest - logit(n, label));
      //#end
      // Logits that are not numbers compare false everywhere: such an answer is wrong whatever it says.
      wrong += select(1.0, 0.0, answer == label && sum > 0.5);
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
    //#if MEAN
    summary[0] = loss / f32(step.valid);
    //#else
    summary[0] = loss;
    //#end
    summary[1] = wrong;
  }
}

// SCALED: the gradient is multiplied with loss_scale[0] (shaders/loss_scale.wgsl).
// Dispatch: ⌈N·K4 / 64⌉ workgroups, one invocation a vec4 of the gradient.
//#section softmax_cross_entropy_grad
//#include step
@group(0) @binding(0) var<storage, read> probabilities: array<vec4f>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> dlogits: array<vec4f>;
@group(0) @binding(3) var<uniform> step: Step;
//#if SCALED
@group(0) @binding(4) var<storage, read> loss_scale: array<f32>;
//#end

@compute @workgroup_size(64)
fn softmax_cross_entropy_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * K4) {
    return;
  }
  let n = v / K4;
  let classes = vec4u(u32(v % K4) * 4u) + vec4u(0u, 1u, 2u, 3u);
  var wanted = select(vec4f(), vec4f(1.0), classes == vec4u(labels[n]));
  //#if SMOOTHING
  let spread = select(vec4f(), vec4f(SMOOTHING / f32(K)), classes < vec4u(K));
  wanted = (1.0 - SMOOTHING) * wanted + spread;
  //#end
  var gradient = probabilities[v] - wanted;
  //#if MEAN
  gradient /= f32(step.valid);
  //#end
  //#if SCALED
  gradient *= loss_scale[0];
  //#end
  dlogits[v] = select(vec4f(), gradient, u32(n) < step.valid);
}
