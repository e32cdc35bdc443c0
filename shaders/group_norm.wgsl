// Group norm (Wu & He 2018), with instance norm and layer norm as special cases: pictures are normalized one by
// one, over groups of CG = C / G channels and all HW pixels (m = CG·HW elements),
//
//   x̂ = (x − μ) / √(σ² + ε),   y = γ·x̂ + β,   σ² biased.
//
// With g = γ·dL/dy:   dx = (g − mean(g) − x̂·mean(g·x̂)) / √(σ² + ε)   (means over the group),
//   dγ = Σ dL/dy·x̂,   dβ = Σ dL/dy   (over pictures, and over pixels unless ELEMENTWISE).
//
// x, y: N,HW,C4 vec4s; statistics: for each picture and group (μ, 1/√(σ² + ε)). A group need not begin at a
// vec4, so groups are walked channel by channel. AFFINE: there are γ and β; ELEMENTWISE: they are HW,C4, else C4.
// Constants: N, HW, C, C4, G, CG, LANES, AFFINE, ELEMENTWISE.

// The group and the place of element e = 0 … m − 1 of a group: channels run fastest.
fn place(n: i32, g: i32, e: i32) -> i32 {
  return (n * HW + e / CG) * C4 * 4 + g * CG + e % CG;
}

// The four channels of a vec4 from channel c on; those that only pad it take part in nothing.
fn within(c: i32) -> vec4<bool> {
  return vec4i(c) + vec4i(0, 1, 2, 3) < vec4i(C);
}

// ------------------------------------------------------------------------------------------- statistics
// LANES invocations (a power of two, at most 64) walk a group, 64 / LANES groups a workgroup. Each keeps a mean and
// M2 = Σ (x − mean)², merged pairwise by Chan, Golub & LeVeque 1979 (see shaders/batch_norm.wgsl): never a
// difference of sums of squares. Constants: also EPS. Dispatch: ⌈N·G·LANES / 64⌉ workgroups on x and y.
//#section statistics
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> statistics: array<vec2f>;

var<workgroup> means: array<f32, 64>;
var<workgroup> deviations: array<f32, 64>;
var<workgroup> counts: array<f32, 64>;
//#include absorb

@compute @workgroup_size(64)
fn group_statistics(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let index = i32((group.y * groups.x + group.x) * 64u + lane) / LANES;
  let strand = i32(lane) % LANES;
  var mean = 0.0;
  var m2 = 0.0;
  var count = 0.0;
  if (index < N * G) {
    for (var e = strand; e < CG * HW; e += LANES) {
      count += 1.0;
      let value = x[place(index / G, index % G, e)];
      let delta = value - mean;
      mean += delta / count;
      m2 += delta * (value - mean);
    }
  }
  means[lane] = mean;
  deviations[lane] = m2;
  counts[lane] = count;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (strand < half) {
      absorb(lane, lane + u32(half));
    }
  }
  if (strand == 0 && index < N * G) {
    statistics[index] = vec2f(means[lane], 1.0 / sqrt(deviations[lane] / f32(CG * HW) + EPS));
  }
}

// ---------------------------------------------------------------------------------------------- normalize
// One invocation a vec4 of y. Dispatch: ⌈N·HW·C4 / 64⌉ workgroups on x and y.
//#section normalize
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
//#if AFFINE
@group(0) @binding(3) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(4) var<storage, read> beta: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn normalize_groups(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * HW * C4) {
    return;
  }
  let c = v % C4 * 4;
  let n = v / (C4 * HW);
  var value = x[v];
  for (var lane = 0; lane < 4; lane++) {
    let s = statistics[n * G + min(c + lane, C - 1) / CG];
    value[lane] = (value[lane] - s.x) * s.y;
  }
  //#if AFFINE
  //#if ELEMENTWISE
  let at = v % (HW * C4);
  //#else
  let at = v % C4;
  //#end
  value = gamma[at] * value + beta[at];
  //#end
  y[v] = select(vec4f(), value, within(c));
}

// ----------------------------------------------------------------------------------- gradients of γ and β
// One workgroup a vec4 of γ: 64 strands walk the pictures (and pixels, unless ELEMENTWISE), summed pairwise.
// Dispatch: C4 workgroups on x and y, HW·C4 if ELEMENTWISE.
//#section grad_affine
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dgamma: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dbeta: array<vec4f>;

//#if ELEMENTWISE
const QUADS = HW * C4;
//#else
const QUADS = C4;
//#end

var<workgroup> products: array<vec4f, 64>;
var<workgroup> sums: array<vec4f, 64>;

@compute @workgroup_size(64)
fn grad_affine(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = i32(group.y * groups.x + group.x);
  let c = at % C4 * 4;
  var product = vec4f();
  var sum = vec4f();
  if (at < QUADS) {
    for (var v = at + i32(lane) * QUADS; v < N * HW * C4; v += 64 * QUADS) {
      let g = dy[v];
      var normalized = x[v];
      for (var l = 0; l < 4; l++) {
        let s = statistics[v / (C4 * HW) * G + min(c + l, C - 1) / CG];
        normalized[l] = (normalized[l] - s.x) * s.y;
      }
      product += g * normalized;
      sum += g;
    }
  }
  products[lane] = product;
  sums[lane] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      products[lane] += products[lane + half];
      sums[lane] += sums[lane + half];
    }
  }
  if (lane == 0u && at < QUADS) {
    dgamma[at] = products[0];
    dbeta[at] = sums[0];
  }
}

// -------------------------------------------------------------------------------------------- gradient of x
// means: for each picture and group (mean(g), mean(g·x̂)). Mapped like `statistics`.
//#section grad_means
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> means: array<vec2f>;
//#if AFFINE
@group(0) @binding(4) var<storage, read> gamma: array<f32>;
//#end

var<workgroup> sums: array<vec2f, 64>;

@compute @workgroup_size(64)
fn grad_means(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let index = i32((group.y * groups.x + group.x) * 64u + lane) / LANES;
  let strand = i32(lane) % LANES;
  var sum = vec2f();
  if (index < N * G) {
    let s = statistics[index];
    for (var e = strand; e < CG * HW; e += LANES) {
      let at = place(index / G, index % G, e);
      var g = dy[at];
      //#if AFFINE
      //#if ELEMENTWISE
      g *= gamma[at % (HW * C4 * 4)];
      //#else
      g *= gamma[at % (C4 * 4)];
      //#end
      //#end
      sum += vec2f(g, g * ((x[at] - s.x) * s.y));
    }
  }
  sums[lane] = sum;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (strand < half) {
      sums[lane] += sums[lane + u32(half)];
    }
  }
  if (strand == 0 && index < N * G) {
    means[index] = sums[lane] / f32(CG * HW);
  }
}

// One invocation a vec4 of dx. Constants: also ADDEND (added to dx). Dispatch: as `normalize`.
//#section grad_input
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read> means: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;
//#if AFFINE
@group(0) @binding(5) var<storage, read> gamma: array<vec4f>;
//#end
//#if ADDEND
@group(0) @binding(${5 + AFFINE}) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn grad_input(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * HW * C4) {
    return;
  }
  let c = v % C4 * 4;
  let n = v / (C4 * HW);
  var value = dy[v];
  //#if AFFINE
  //#if ELEMENTWISE
  value *= gamma[v % (HW * C4)];
  //#else
  value *= gamma[v % C4];
  //#end
  //#end
  let pixel = x[v];
  for (var lane = 0; lane < 4; lane++) {
    let index = n * G + min(c + lane, C - 1) / CG;
    let s = statistics[index];
    let mean = means[index];
    value[lane] = (value[lane] - mean.x - (pixel[lane] - s.x) * s.y * mean.y) * s.y;
  }
  value = select(vec4f(), value, within(c));
  //#if ADDEND
  dx[v] = value + addend[v];
  //#else
  dx[v] = value;
  //#end
}
