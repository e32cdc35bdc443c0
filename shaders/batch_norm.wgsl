// Batch normalization (Ioffe & Szegedy 2015):
//
//   x̂ = (x − μ) / √(σ² + ε),   y = γ·x̂ + β
//
// μ and σ² are taken per channel over N, H, W (σ² biased) in training, or are running estimates in
// evaluation. x: P pixels (= N·H·W) × C4 vec4s of channels.
//
// Most kernels here only find the coefficients; they are applied where x is loaded (shaders/load_x.wgsl) or written once
// (shaders/view.wgsl). Coefficients of a vec4 of channels are four vec4s: μ, γ / √(σ² + ε), β, σ².
//
// Variance is never a difference of sums of squares: partial results are (mean, M2) pairs with
// M2 = Σ (x − mean)², merged by Chan, Golub & LeVeque 1979:
//   δ = mean_b − mean_a,  mean = mean_a + δ·n_b / n,  M2 = M2_a + M2_b + δ²·n_a·n_b / n,  n = n_a + n_b.
//
// Gradient (ibid., section 3), with g = dL/d(γ·x̂ + β), i.e. dL/dy where a ReLU let it through:
//   dβ = Σ g,  dγ = Σ g·x̂,  dx = γ / √(σ² + ε) · (g − dβ / P − x̂·dγ / P);  in evaluation dx = γ / √(σ² + ε) · g.
//
// Sums over many pixels: with COOPERATE a workgroup serves CL vec4s of channels, 64 / CL strands each take every so many
// pixels, and pairs of strands are merged in workgroup memory. Without it a strand is an invocation and works alone.

// ------------------------------------------------------------------------------------------- statistics
// Where nobody else has taken them. Constants: P, C4, CL (a power of two), SLICES, SLICE (pixels a slice), COOPERATE.
// Dispatch: SLICES × ⌈C4 / CL⌉ workgroups; without COOPERATE ⌈SLICES·C4 / 64⌉; partial: SLICES × C4 × (mean, M2).
//#section statistics
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> partial: array<vec4f>;
//#include slice_of
//#if COOPERATE
var<workgroup> means: array<vec4f, 64>;
var<workgroup> deviations: array<vec4f, 64>;
var<workgroup> counts: array<f32, 64>;
//#include absorb
//#end

@compute @workgroup_size(64)
fn statistics(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let own = slice_of(i32(lane), vec3i(group), i32(groups.x));
  let last = min((own.slice + 1) * SLICE, P);
  var mean = vec4f();
  var m2 = vec4f();
  var count = 0.0;
  if (own.c < C4) {
    for (var p = own.slice * SLICE + own.strand; p < last; p += own.strands) {
      count += 1.0;
      let value = x[p * C4 + own.c];
      let delta = value - mean;
      mean += delta / count;
      m2 += delta * (value - mean);
    }
  }
  //#if COOPERATE
  means[lane] = mean;
  deviations[lane] = m2;
  counts[lane] = count;
  for (var half = 32 / CL; half > 0; half /= 2) {
    workgroupBarrier();
    if (own.strand < half) {
      absorb(lane, lane + u32(half * CL));
    }
  }
  mean = means[lane];
  m2 = deviations[lane];
  //#end
  if (own.strand == 0 && own.slice < SLICES && own.c < C4) {
    let at = (own.slice * C4 + own.c) * 2;
    partial[at] = mean;
    partial[at + 1] = m2;
  }
}

// Merges the slices; updates the running estimates, the variance there unbiased (as PyTorch).
// Constants: P, C4, CL, SLICES, SLICE, MOMENTUM, EPS, AFFINE, COOPERATE. Dispatch: ⌈C4 / CL⌉ workgroups.
//#section merge_statistics
@group(0) @binding(next) var<storage, read> partial: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> coefficients: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> running_mean: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> running_var: array<vec4f>;
//#if AFFINE
@group(0) @binding(next) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(next) var<storage, read> beta: array<vec4f>;
//#end
//#if COOPERATE
var<workgroup> means: array<vec4f, 64>;
var<workgroup> deviations: array<vec4f, 64>;
var<workgroup> counts: array<f32, 64>;
//#include absorb
//#end

@compute @workgroup_size(64)
fn merge_statistics(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let c = i32(group.x) * CL + i32(lane) % CL;
  let strand = i32(lane) / CL;
  var mean = vec4f();
  var m2 = vec4f();
  var count = 0.0;
  if (c < C4) {
    for (var s = strand; s < SLICES; s += 64 / CL) {
      let n = f32(min(SLICE, P - s * SLICE));
      let total = count + n;
      let delta = partial[(s * C4 + c) * 2] - mean;
      mean += delta * (n / total);
      m2 += partial[(s * C4 + c) * 2 + 1] + delta * delta * (count * n / total);
      count = total;
    }
  }
  //#if COOPERATE
  means[lane] = mean;
  deviations[lane] = m2;
  counts[lane] = count;
  for (var half = 32 / CL; half > 0; half /= 2) {
    workgroupBarrier();
    if (strand < half) {
      absorb(lane, lane + u32(half * CL));
    }
  }
  mean = means[lane];
  m2 = deviations[lane];
  //#end
  if (strand == 0 && c < C4) {
    let variance = m2 / f32(P);
    //#include batch_norm_affine
    //#include batch_norm_keep
  }
}

// Both at once, where slices are few and y is to be written: merges them, and y = relu(norm(x) + shortcut). Every
// invocation merges for itself; the first of a vec4 of channels writes what is kept.
// Constants: P, C4, SLICES, SLICE, STRANDS, MOMENTUM, EPS, AFFINE, SHORTCUT, RELU.
// Dispatch: STRANDS / 64 × C4 workgroups; a strand takes every so many pixels.
//#section merge_and_normalize
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
@group(0) @binding(next) var<uniform> partial: array<vec4f, SLICES * C4 * 2>;
@group(0) @binding(next) var<storage, read_write> coefficients: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> running_mean: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> running_var: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> y: array<vec4f>;
//#if AFFINE
@group(0) @binding(next) var<uniform> gamma: array<vec4f, C4>;
@group(0) @binding(next) var<uniform> beta: array<vec4f, C4>;
//#end
//#if SHORTCUT
@group(0) @binding(next) var<storage, read> shortcut: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn merge_and_normalize(@builtin(global_invocation_id) id: vec3u) {
  let c = i32(id.y);
  var mean = vec4f();
  var m2 = vec4f();
  //#for s in 0..SLICES
  mean += partial[(${s} * C4 + c) * 2] * (f32(min(SLICE, P - ${s} * SLICE)) / f32(P));
  //#end
  //#for s in 0..SLICES
  let delta_${s} = partial[(${s} * C4 + c) * 2] - mean;
  m2 += partial[(${s} * C4 + c) * 2 + 1] + delta_${s} * delta_${s} * f32(min(SLICE, P - ${s} * SLICE));
  //#end
  let variance = m2 / f32(P);
  //#include batch_norm_affine
  if (id.x == 0u) {
    //#include batch_norm_keep
  }
  for (var p = i32(id.x); p < P; p += STRANDS) {
    let at = p * C4 + c;
    var value = (x[at] - mean) * slope + offset;
    //#if SHORTCUT
    value += shortcut[at];
    //#end
    //#if RELU
    // Not max(): see shaders/load_x.wgsl.
    value = select(value, vec4f(), value <= vec4f());
    //#end
    y[at] = value;
  }
}

// The coefficients of evaluation. Constants: C4, EPS, AFFINE. Dispatch: ⌈C4 / 64⌉ workgroups, one invocation a vec4.
//#section running_coefficients
@group(0) @binding(next) var<storage, read> running_mean: array<vec4f>;
@group(0) @binding(next) var<storage, read> running_var: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> coefficients: array<vec4f>;
//#if AFFINE
@group(0) @binding(next) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(next) var<storage, read> beta: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn running_coefficients(@builtin(global_invocation_id) id: vec3u) {
  let c = i32(id.x);
  if (c >= C4) {
    return;
  }
  let variance = running_var[c];
  //#include batch_norm_affine
  coefficients[c * 4] = running_mean[c];
  coefficients[c * 4 + 1] = slope;
  coefficients[c * 4 + 2] = offset;
  coefficients[c * 4 + 3] = variance;
}

// ----------------------------------------------------------------------------------------------- gradient
// Sums of g and g·(x − μ) per slice, mapped like `statistics`, where nobody else has taken them; with RELU g is
// written too. Constants: P, C4, CL, SLICES, SLICE, RELU, COOPERATE. partial: SLICES × C4 × (Σ g, Σ g·(x − μ)).
//#section grad_statistics
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
@group(0) @binding(next) var<storage, read> coefficients: array<vec4f>;
@group(0) @binding(next) var<storage, read> dy: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> partial: array<vec4f>;
//#if RELU
@group(0) @binding(next) var<storage, read> y: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> masked: array<vec4f>;
//#end
//#include slice_of
//#if COOPERATE
var<workgroup> sums: array<vec4f, 64>;
var<workgroup> products: array<vec4f, 64>;
//#end

@compute @workgroup_size(64)
fn grad_statistics(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let own = slice_of(i32(lane), vec3i(group), i32(groups.x));
  let last = min((own.slice + 1) * SLICE, P);
  var sum = vec4f();
  var product = vec4f();
  if (own.c < C4) {
    let centre = coefficients[own.c * 4];
    for (var p = own.slice * SLICE + own.strand; p < last; p += own.strands) {
      let at = p * C4 + own.c;
      //#if RELU
      let g = select(vec4f(), dy[at], y[at] > vec4f());
      masked[at] = g;
      //#else
      let g = dy[at];
      //#end
      sum += g;
      product += g * (x[at] - centre);
    }
  }
  //#if COOPERATE
  sums[lane] = sum;
  products[lane] = product;
  for (var half = 32 / CL; half > 0; half /= 2) {
    workgroupBarrier();
    if (own.strand < half) {
      sums[lane] += sums[lane + u32(half * CL)];
      products[lane] += products[lane + u32(half * CL)];
    }
  }
  sum = sums[lane];
  product = products[lane];
  //#end
  if (own.strand == 0 && own.slice < SLICES && own.c < C4) {
    let at = (own.slice * C4 + own.c) * 2;
    partial[at] = sum;
    partial[at + 1] = product;
  }
}

// dβ = Σ g, dγ = Σ g·x̂, and dx as a view of g and x: centre, slope, offset, scale.
// Without AFFINE there is nothing to learn. Constants: P, C4, CL, SLICES, EPS, AFFINE, TRAINING, COOPERATE.
// Dispatch: ⌈C4 / CL⌉ workgroups.
//#section merge_grad_statistics
@group(0) @binding(next) var<storage, read> partial: array<vec4f>;
@group(0) @binding(next) var<storage, read> coefficients: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> view: array<vec4f>;
//#if AFFINE
@group(0) @binding(next) var<storage, read_write> dgamma: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> dbeta: array<vec4f>;
//#end
//#if COOPERATE
var<workgroup> sums: array<vec4f, 64>;
var<workgroup> products: array<vec4f, 64>;
//#end

@compute @workgroup_size(64)
fn merge_grad_statistics(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let c = i32(group.x) * CL + i32(lane) % CL;
  let strand = i32(lane) / CL;
  var sum = vec4f();
  var product = vec4f();
  if (c < C4) {
    for (var s = strand; s < SLICES; s += 64 / CL) {
      sum += partial[(s * C4 + c) * 2];
      product += partial[(s * C4 + c) * 2 + 1];
    }
  }
  //#if COOPERATE
  sums[lane] = sum;
  products[lane] = product;
  for (var half = 32 / CL; half > 0; half /= 2) {
    workgroupBarrier();
    if (strand < half) {
      sums[lane] += sums[lane + u32(half * CL)];
      products[lane] += products[lane + u32(half * CL)];
    }
  }
  sum = sums[lane];
  product = products[lane];
  //#end
  if (strand == 0 && c < C4) {
    //#include batch_norm_back
    //#if AFFINE
    dbeta[c] = sum;
    dgamma[c] = product * inverse;
    //#end
    view[c * 4] = coefficients[c * 4];
    //#if TRAINING
    view[c * 4 + 1] = slope;
    view[c * 4 + 2] = offset;
    //#else
    view[c * 4 + 1] = vec4f();
    view[c * 4 + 2] = vec4f();
    //#end
    view[c * 4 + 3] = scale;
  }
}

// Both at once, as `merge_and_normalize`: dβ, dγ, and dx where it is to be written. Constants: P, C4, SLICES, STRANDS, EPS, AFFINE, TRAINING.
// Dispatch: STRANDS / 64 × C4 workgroups.
//#section merge_and_normalize_grad
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
@group(0) @binding(next) var<storage, read> g: array<vec4f>;
@group(0) @binding(next) var<uniform> partial: array<vec4f, SLICES * C4 * 2>;
@group(0) @binding(next) var<uniform> coefficients: array<vec4f, C4 * 4>;
@group(0) @binding(next) var<storage, read_write> dx: array<vec4f>;
//#if AFFINE
@group(0) @binding(next) var<storage, read_write> dgamma: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> dbeta: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn merge_and_normalize_grad(@builtin(global_invocation_id) id: vec3u) {
  let c = i32(id.y);
  var sum = vec4f();
  var product = vec4f();
  //#for s in 0..SLICES
  sum += partial[(${s} * C4 + c) * 2];
  product += partial[(${s} * C4 + c) * 2 + 1];
  //#end
  let centre = coefficients[c * 4];
  //#include batch_norm_back
  //#if AFFINE
  if (id.x == 0u) {
    dbeta[c] = sum;
    dgamma[c] = product * inverse;
  }
  //#end
  for (var p = i32(id.x); p < P; p += STRANDS) {
    let at = p * C4 + c;
    //#if TRAINING
    dx[at] = (x[at] - centre) * slope + offset + g[at] * scale;
    //#else
    dx[at] = g[at] * scale;
    //#end
  }
}
