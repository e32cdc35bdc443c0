// The convolution and, of stride 1, the data gradient of shaders/conv2d.wgsl for CPUs that play a GPU: an invocation loads weights
// once and keeps them, while the pixels stream by.
//
// Mapping: weight-stationary. An invocation holds the weights of all taps from CHUNK vec4s of channels to QV, as 4×4 matrices, and
// computes ROWS rows of pixels with them; the rows of all pictures count as those of one. Along a row it loads each column of
// the KH rows under the kernel once, adds it to the pixels that see it (KW, or with a stride fewer), and keeps their sums until
// the last column has come. Where it cannot hold all channels it makes several passes over its rows, adds to what it wrote before, and
// goes over them once more for what is done with whole sums: in a branch inside of the passes, SwiftShader would do it in each.
// On such a device a load costs as much as fifty multiplications, because each of its lanes is checked and fetched by itself;
// code costs that does not fit into the instruction cache, and registers are memory anyway. A GPU has no registers for this.
// With BROADCAST each of four invocations loads one row of a matrix and tells it to the others.
// With SHARERS = 2 or 4 so many neighbours, of a quad of their subgroup, compute the same pixels, each for QV vec4s of its own. Each loads one of
// SHARERS vec4s of a column and has the rest by quadSwapX, quadSwapY and quadSwapDiagonal, which tell it what its neighbour i ^ 1, i ^ 2 or
// i ^ 3 has: so neighbours take the vec4s of the source each in an order of its own, and hold their weights in that order.
//
// Both are cross-correlations of a source with a target: y of x, and dx of dy with the kernel turned by 180°.
// Constants: KH KW IC4 OC4 STRIDE_Y STRIDE_X BIAS X_VIEW X_RELU DY_VIEW ADDEND MOMENTS NORM SUMS MASK_STORED MASK_VIEW BROADCAST
// as in shaders/conv2d.wgsl; SOURCE_H SOURCE_W SOURCE_C4 and TARGET_H TARGET_W TARGET_C4; BEFORE_Y BEFORE_X: zeros in front of the
// source; SEEN: pixels that see one column; FIRST: the pixel that the first columns complete (of zeros in front, if it is negative);
// AFTER: pixels that no column completes, but the zeros behind; CHUNK (divides SOURCE_C4), PASSES = SOURCE_C4 / CHUNK, QV (divides TARGET_C4),
// ROWS (divides N·TARGET_H), BLOCKS = N·TARGET_H / ROWS; SHARERS (divides CHUNK and TARGET_C4 / QV; BROADCAST only with 1);
// MERGED (divides BLOCKS): blocks whose sums over pixels neighbours of a quad merge into those of one slice, 4 / SHARERS or 1;
// GRADIENT: whether the target is dx.
// INVOCATIONS of a workgroup, a multiple of 4 of which each four neighbours are a quad of their subgroup: few, for a CPU runs each
// workgroup on one core.
// Dispatch: ⌈BLOCKS·SHARERS / INVOCATIONS⌉ × TARGET_C4 / (QV·SHARERS) workgroups; partial as there, a slice is MERGED blocks.
//
// Method: weight-stationary dataflow (Chen, Emer & Sze 2016, section III-A).

// ---------------------------------------------------------------------------------------------- forward
//#section conv2d_stationary
//#include load_x
//#include conv2d_weight
//#include conv2d_outputs
//#for v in 0..QV
//#if MOMENTS
var<private> mean_${v}: vec4f;
var<private> m2_${v}: vec4f;
//#end
//#if NORM
var<private> norm_${v}: mat3x4f;
//#end

// What a pass found for a pixel of y, beside what those before it wrote there.
fn found_${v}(row: i32, p: i32, q: i32, sum: vec4f, first: i32) {
  //#if PASSES > 1
  let at = (row * TARGET_W + p) * TARGET_C4 + q + ${v};
  y[at] = select(vec4f(), y[at], first > 0) + sum;
  //#else
  finish_${v}(row, p, q, sum);
  //#end
}

// Writes a pixel of y and absorbs it into the moments (Welford 1962).
fn finish_${v}(row: i32, p: i32, q: i32, sum: vec4f) {
  let at = (row * TARGET_W + p) * TARGET_C4 + q + ${v};
  //#if NORM
  let value = normalized(sum, at, norm_${v});
  //#else
  let value = sum;
  //#end
  //#if PASSES == 1 || NORM
  y[at] = value;
  //#end
  //#if MOMENTS
  let delta = value - mean_${v};
  mean_${v} += delta / f32(row % ROWS * TARGET_W + p + 1);
  m2_${v} += delta * (value - mean_${v});
  //#end
}

//#if MOMENTS && MERGED > 1
// Merges the moments of as many pixels, `count` each; see shaders/batch_norm.wgsl.
fn merge_${v}(mean: vec4f, m2: vec4f, count: f32) {
  let delta = mean - mean_${v};
  mean_${v} += delta * 0.5;
  m2_${v} += m2 + delta * delta * (count * 0.5);
}
//#end
//#end

fn weight_at(tap: i32, from_quad: i32, to_quad: i32) -> i32 {
  return (tap * IC4 + from_quad) * 4 * OC4 + to_quad;
}

@compute @workgroup_size(INVOCATIONS)
fn conv2d_stationary(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  //#if BROADCAST
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
  //#end
) {
  let sharer = i32(id.x) % SHARERS;
  let used = i32(id.x) / SHARERS < BLOCKS;
  let block = min(i32(id.x) / SHARERS, BLOCKS - 1);
  let q = (i32(group.y) * SHARERS + sharer) * QV;
  //#for v in 0..QV
  //#if BIAS
  let bias_${v} = bias[q + ${v}];
  //#end
  //#if NORM
  norm_${v} = norm_channels(q + ${v});
  //#end
  //#end
  //#include conv2d_stationary_rows
  //#if PASSES > 1 && (NORM || MOMENTS)
  //#include conv2d_stationary_finish
  //#end
  //#if MOMENTS
  //#for v in 0..QV
  //#if MERGED == 4
  merge_${v}(quadSwapX(mean_${v}), quadSwapX(m2_${v}), f32(ROWS * TARGET_W));
  //#end
  //#if MERGED > 1
  merge_${v}(quadSwapY(mean_${v}), quadSwapY(m2_${v}), f32(MERGED / 2 * ROWS * TARGET_W));
  //#end
  //#end
  if (used && block % MERGED == 0) {
    //#for v in 0..QV
    let at_${v} = (block / MERGED * OC4 + q + ${v}) * 2;
    partial[at_${v}] = mean_${v};
    partial[at_${v} + 1] = m2_${v};
    //#end
  }
  //#end
}

// ------------------------------------------------------------------------------------ gradient of the input
//#section conv2d_stationary_grad_input
//#include load_dy
//#include conv2d_weight
//#include conv2d_grad_outputs
//#for v in 0..QV
//#if SUMS
var<private> norm_${v}: mat4x4f;
var<private> sum_${v}: vec4f;
var<private> product_${v}: vec4f;
//#end

// What a pass found for a pixel of dx, beside what those before it wrote there.
fn found_${v}(row: i32, p: i32, q: i32, sum: vec4f, first: i32) {
  //#if PASSES > 1
  let at = (row * TARGET_W + p) * TARGET_C4 + q + ${v};
  dx[at] = select(vec4f(), dx[at], first > 0) + sum;
  //#else
  finish_${v}(row, p, q, sum);
  //#end
}

// Writes a pixel of dx and adds it to what the norm in front of it wants summed; see shaders/conv2d_grad_store.wgsl.
fn finish_${v}(row: i32, p: i32, q: i32, sum: vec4f) {
  let at = (row * TARGET_W + p) * TARGET_C4 + q + ${v};
  var g = sum;
  //#if ADDEND
  g += addend[at];
  //#end
  //#if SUMS
  let centred = norm_x[at] - norm_${v}[0];
  //#if MASK_STORED
  g = select(vec4f(), g, x[at] > vec4f());
  //#end
  //#if MASK_VIEW
  g = select(vec4f(), g, centred * norm_${v}[1] + norm_${v}[2] > vec4f());
  //#end
  sum_${v} += g;
  product_${v} += g * centred;
  //#end
  dx[at] = g;
}
//#end

fn weight_at(tap: i32, from_quad: i32, to_quad: i32) -> i32 {
  return ((KH * KW - 1 - tap) * IC4 + to_quad) * 4 * OC4 + from_quad;
}

@compute @workgroup_size(INVOCATIONS)
fn conv2d_stationary_grad_input(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  //#if BROADCAST
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
  //#end
) {
  let sharer = i32(id.x) % SHARERS;
  let used = i32(id.x) / SHARERS < BLOCKS;
  let block = min(i32(id.x) / SHARERS, BLOCKS - 1);
  let q = (i32(group.y) * SHARERS + sharer) * QV;
  //#for v in 0..QV
  //#if SUMS
  norm_${v} = norm[q + ${v}];
  //#end
  //#end
  //#include conv2d_stationary_rows
  //#if PASSES > 1 && (ADDEND || SUMS)
  //#include conv2d_stationary_finish
  //#end
  //#if SUMS
  //#for v in 0..QV
  //#if MERGED == 4
  sum_${v} += quadSwapX(sum_${v});
  product_${v} += quadSwapX(product_${v});
  //#end
  //#if MERGED > 1
  sum_${v} += quadSwapY(sum_${v});
  product_${v} += quadSwapY(product_${v});
  //#end
  //#end
  if (used && block % MERGED == 0) {
    //#for v in 0..QV
    let at_${v} = (block / MERGED * IC4 + q + ${v}) * 2;
    partial[at_${v}] = sum_${v};
    partial[at_${v} + 1] = product_${v};
    //#end
  }
  //#end
}
