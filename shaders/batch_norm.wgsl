// Batch normalization (Ioffe & Szegedy 2015), optionally with the addition of a shortcut and a ReLU:
//
//   x̂ = (x − μ) / √(σ² + ε),   y = act(γ·x̂ + β + shortcut)
//
// μ and σ² are taken per channel over N, H, W (σ² biased) in training, or are running estimates in
// evaluation. x, y: P pixels (= N·H·W) × C4 vec4s of channels.
//
// Variance is never a difference of sums of squares: partial results are (mean, M2) pairs with
// M2 = Σ (x − mean)², merged by Chan, Golub & LeVeque 1979:
//   δ = mean_b − mean_a,  mean = mean_a + δ·n_b / n,  M2 = M2_a + M2_b + δ²·n_a·n_b / n,  n = n_a + n_b.
//
// Gradient (ibid., section 3), with g = dL/d(γ·x̂ + β), i.e. dL/dy where the ReLU let it through:
//   dβ = Σ g,  dγ = Σ g·x̂,  dx = γ / √(σ² + ε) · (g − dβ / P − x̂·dγ / P);  in evaluation dx = γ / √(σ² + ε) · g.

// ------------------------------------------------------------------------------------------- statistics
// One workgroup reduces a slice of pixels for CL vec4s of channels: 64 / CL strands walk the slice and are
// merged pairwise. Constants: P, C4, CL (power of two), SLICES, SLICE (pixels a slice).
// Dispatch: SLICES × ⌈C4 / CL⌉ workgroups; partial: SLICES × C4 × (mean, M2).
//#section statistics
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec4f>;

const STRANDS = 64 / CL;
var<workgroup> means: array<vec4f, 64>;
var<workgroup> deviations: array<vec4f, 64>;
var<workgroup> counts: array<f32, 64>;
//#include absorb

@compute @workgroup_size(64)
fn statistics(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let strand = i32(lane) / CL;
  let c = i32(group.y) * CL + i32(lane) % CL;
  let first = i32(group.x) * SLICE;
  let last = min(first + SLICE, P);
  var mean = vec4f();
  var m2 = vec4f();
  var count = 0.0;
  if (c < C4) {
    for (var p = first + strand; p < last; p += STRANDS) {
      count += 1.0;
      let value = x[p * C4 + c];
      let delta = value - mean;
      mean += delta / count;
      m2 += delta * (value - mean);
    }
  }
  means[lane] = mean;
  deviations[lane] = m2;
  counts[lane] = count;
  for (var half = STRANDS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (strand < half) {
      absorb(lane, lane + u32(half * CL));
    }
  }
  if (strand == 0 && c < C4) {
    let at = (i32(group.x) * C4 + c) * 2;
    partial[at] = means[lane];
    partial[at + 1] = deviations[lane];
  }
}

// Merges the slices; updates the running estimates, the variance there unbiased (as PyTorch).
// Constants: P, C4, SLICES, SLICE, MOMENTUM. Dispatch: ⌈C4 / 64⌉ workgroups, one invocation a vec4.
//#section merge_statistics
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> mean: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> variance: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> running_mean: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> running_var: array<vec4f>;

@compute @workgroup_size(64)
fn merge_statistics(@builtin(global_invocation_id) id: vec3u) {
  let c = i32(id.x);
  if (c >= C4) {
    return;
  }
  var merged = vec4f();
  var m2 = vec4f();
  var count = 0.0;
  for (var s = 0; s < SLICES; s++) {
    let n = f32(min(SLICE, P - s * SLICE));
    let total = count + n;
    let delta = partial[(s * C4 + c) * 2] - merged;
    merged += delta * (n / total);
    m2 += partial[(s * C4 + c) * 2 + 1] + delta * delta * (count * n / total);
    count = total;
  }
  mean[c] = merged;
  variance[c] = m2 / f32(P);
  running_mean[c] = mix(running_mean[c], merged, MOMENTUM);
  running_var[c] = mix(running_var[c], m2 / f32(max(P - 1, 1)), MOMENTUM);
}

// -------------------------------------------------------------------------------------------------- apply
// One invocation normalizes PX pixels of one vec4 of channels, so that μ, σ², γ, β are loaded once.
// Without AFFINE γ = 1 and β = 0.
// Constants: P, C4, PX, EPS, AFFINE, RELU, SHORTCUT. Dispatch: ⌈⌈P / PX⌉·C4 / 64⌉ workgroups.
//#section normalize
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> mean: array<vec4f>;
@group(0) @binding(2) var<storage, read> variance: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
//#if AFFINE
@group(0) @binding(4) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(5) var<storage, read> beta: array<vec4f>;
//#end
//#if SHORTCUT
@group(0) @binding(${4 + 2 * AFFINE}) var<storage, read> shortcut: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn normalize_pixels(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = i32(id.y * groups.x * 64u + id.x);
  let c = index % C4;
  let first = index / C4 * PX;
  let centre = mean[c];
  //#if AFFINE
  let offset = beta[c];
  let scale = gamma[c] / sqrt(variance[c] + EPS);
  //#else
  let offset = vec4f();
  let scale = 1.0 / sqrt(variance[c] + EPS);
  //#end
  //#for p in 0..PX
  if (first + ${p} < P) {
    let at = (first + ${p}) * C4 + c;
    //#if SHORTCUT
    let value_${p} = (x[at] - centre) * scale + offset + shortcut[at];
    //#else
    let value_${p} = (x[at] - centre) * scale + offset;
    //#end
    //#if RELU
    y[at] = max(value_${p}, vec4f());
    //#else
    y[at] = value_${p};
    //#end
  }
  //#end
}

// ----------------------------------------------------------------------------------------------- gradient
// Partial sums of g and g·x̂ per slice, mapped like `statistics`.
// Constants: P, C4, CL, SLICES, SLICE, EPS, RELU. partial: SLICES × C4 × (Σ g, Σ g·x̂).
//#section grad_statistics
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> mean: array<vec4f>;
@group(0) @binding(2) var<storage, read> variance: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;
//#if RELU
@group(0) @binding(5) var<storage, read> y: array<vec4f>;
//#end

const STRANDS = 64 / CL;
var<workgroup> sums: array<vec4f, 64>;
var<workgroup> products: array<vec4f, 64>;

@compute @workgroup_size(64)
fn grad_statistics(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let strand = i32(lane) / CL;
  let c = i32(group.y) * CL + i32(lane) % CL;
  let first = i32(group.x) * SLICE;
  let last = min(first + SLICE, P);
  var sum = vec4f();
  var product = vec4f();
  if (c < C4) {
    let centre = mean[c];
    let inverse = 1.0 / sqrt(variance[c] + EPS);
    for (var p = first + strand; p < last; p += STRANDS) {
      let at = p * C4 + c;
      //#if RELU
      let g = select(vec4f(), dy[at], y[at] > vec4f());
      //#else
      let g = dy[at];
      //#end
      sum += g;
      product += g * ((x[at] - centre) * inverse);
    }
  }
  sums[lane] = sum;
  products[lane] = product;
  for (var half = STRANDS / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (strand < half) {
      sums[lane] += sums[lane + u32(half * CL)];
      products[lane] += products[lane + u32(half * CL)];
    }
  }
  if (strand == 0 && c < C4) {
    let at = (i32(group.x) * C4 + c) * 2;
    partial[at] = sums[lane];
    partial[at + 1] = products[lane];
  }
}

// dβ = Σ Σg, dγ = Σ Σg·x̂, and for `grad_input` per vec4 of channels (scale, centre, mean of g, slope) with
// dx = scale · (g − mean_g − (x − centre)·slope).
// Without AFFINE γ = 1 and there is nothing to learn.
// Constants: P, C4, SLICES, EPS, AFFINE, TRAINING. Dispatch: ⌈C4 / 64⌉ workgroups.
//#section merge_grad_statistics
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read> mean: array<vec4f>;
@group(0) @binding(2) var<storage, read> variance: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> coefficients: array<vec4f>;
//#if AFFINE
@group(0) @binding(4) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dgamma: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dbeta: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn merge_grad_statistics(@builtin(global_invocation_id) id: vec3u) {
  let c = i32(id.x);
  if (c >= C4) {
    return;
  }
  var sum = vec4f();
  var product = vec4f();
  for (var s = 0; s < SLICES; s++) {
    sum += partial[(s * C4 + c) * 2];
    product += partial[(s * C4 + c) * 2 + 1];
  }
  let inverse = 1.0 / sqrt(variance[c] + EPS);
  //#if AFFINE
  dbeta[c] = sum;
  dgamma[c] = product;
  coefficients[c * 4] = gamma[c] * inverse;
  //#else
  coefficients[c * 4] = inverse;
  //#end
  coefficients[c * 4 + 1] = mean[c];
  //#if TRAINING
  coefficients[c * 4 + 2] = sum / f32(P);
  coefficients[c * 4 + 3] = product / f32(P) * inverse;
  //#else
  coefficients[c * 4 + 2] = vec4f();
  coefficients[c * 4 + 3] = vec4f();
  //#end
}

// dx, and g itself where the shortcut wants it. Constants: P, C4, PX, RELU, SHORTCUT.
// Dispatch: ⌈⌈P / PX⌉·C4 / 64⌉ workgroups.
//#section grad_input
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> coefficients: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;
//#if RELU
@group(0) @binding(4) var<storage, read> y: array<vec4f>;
//#end
//#if SHORTCUT
@group(0) @binding(5) var<storage, read_write> dshortcut: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn grad_input(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = i32(id.y * groups.x * 64u + id.x);
  let c = index % C4;
  let first = index / C4 * PX;
  let scale = coefficients[c * 4];
  let centre = coefficients[c * 4 + 1];
  let mean_g = coefficients[c * 4 + 2];
  let slope = coefficients[c * 4 + 3];
  //#for p in 0..PX
  if (first + ${p} < P) {
    let at = (first + ${p}) * C4 + c;
    //#if RELU
    let g = select(vec4f(), dy[at], y[at] > vec4f());
    //#else
    let g = dy[at];
    //#end
    dx[at] = scale * (g - mean_g - (x[at] - centre) * slope);
    //#if SHORTCUT
    dshortcut[at] = g;
    //#end
  }
  //#end
}
