// Two-dimensional convolution (cross-correlation) and its two gradients.
//
//   y[n,o,oy,ox]  = Σ_{i,kh,kw} x[n,i, oy·S + kh·D − PT, ox·S + kw·D − PL] · weight[o,i,kh,kw]  (+ bias[o])
//   dx[n,i,iy,ix] = Σ_{o,kh,kw} dy[n,o,oy,ox] · weight[o,i,kh,kw]   over taps with iy = oy·S + kh·D − PT, same for x
//   dw[o,i,kh,kw] = Σ_{n,oy,ox} x[n,i, oy·S + kh·D − PT, ox·S + kw·D − PL] · dy[n,o,oy,ox]
//
// Layouts (vec4 over the innermost channels): x, dx: N,H,W,IC4; y, dy: N,OH,OW,OC4;
// weight: KH,KW,IC,OC4 with IC = 4·IC4 rows. Channels that pad the last vec4 hold zero weights.
//
// Mapping: implicit GEMM without an im2col buffer. One invocation keeps a register block of ROWS × PX neighbouring
// pixels × QV vec4s of channels. Pixels of one row share the columns they load (PX + KW − 1 instead of PX · KW),
// rows of a block the input rows. A block of one row runs over the kernel's rows in a loop; one of several
// has them unrolled: longer to compile, fewer loads. All invocations of a workgroup use the same weights, so these loads
// are uniform, and weights that fit are bound as a uniform buffer (constant cache on GPUs, scalar loads on CPUs). With
// BROADCAST each of the four invocations of a quad loads one of four vec4s and tells it to the others.
// Columns and rows that may be out of range are read at a clamped address and replaced by zero: a select costs
// less than a divergent branch.
//
// Batch norm is not a pass of its own: operands may be views (shaders/load_x.wgsl, shaders/load_dy.wgsl), and what the
// norms on both sides want summed over pixels is summed where the pixels are computed (MOMENTS, SUMS). A slice of
// these sums is what one workgroup computed (COOPERATE: reduced in workgroup memory) or one invocation.
//
// Method: Chellapilla et al. 2006 (convolution as GEMM); cuDNN (Chetlur et al. 2014) for doing so implicitly.
// The stride-S data gradient is S·S sub-convolutions, one for each parity of (iy, ix), so that no
// multiplication by an inserted zero is ever made (Dumoulin & Visin 2016, section 4).

// ---------------------------------------------------------------------------------------------- forward
// Constants: N H W IC4 LANES, OH OW OC4, KH KW, STRIDE_Y STRIDE_X, PAD_TOP PAD_LEFT, DILATION_Y DILATION_X,
// ROWS PX QV, STRIPS = ⌈OW / PX⌉, BANDS = ⌈OH / ROWS⌉, BLOCKS = N·BANDS·STRIPS,
// COLUMNS = (PX − 1)·STRIDE_X + (KW − 1)·DILATION_X + 1, SPAN: the same for rows, BROADCAST, BIAS, X_VIEW X_RELU, MOMENTS COOPERATE,
// NORM with EPS AFFINE SHORTCUT RELU: see shaders/conv2d_outputs.wgsl.
// Dispatch: ⌈BLOCKS / 64⌉ × OC4 / QV workgroups; partial: slices × OC4 × (mean, M2).
//#section conv2d
//#include load_x
//#include conv2d_weight
//#include conv2d_outputs

@compute @workgroup_size(64)
fn conv2d(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
  //#if BROADCAST
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
  //#end
) {
  //#if BROADCAST
  let quad_lane = i32(subgroup_lane % 4u);
  //#end
  let used = i32(id.x) < BLOCKS;
  let block = min(i32(id.x), BLOCKS - 1);
  let ox = block % STRIPS * PX;
  let oy = block / STRIPS % BANDS * ROWS;
  let n = block / (STRIPS * BANDS);
  let q = i32(group.y) * QV;

  //#for c in 0..COLUMNS
  let ix_${c} = ox * STRIDE_X - PAD_LEFT + ${c};
  //#if c >= PAD_LEFT && (STRIPS - 1) * PX * STRIDE_X - PAD_LEFT + c < W
  let inside_${c} = true;
  let column_${c} = ix_${c} * IC4;
  //#else
  let inside_${c} = ix_${c} >= 0 && ix_${c} < W;
  let column_${c} = clamp(ix_${c}, 0, W - 1) * IC4;
  //#end
  //#end
  //#for v in 0..QV
  //#if BIAS
  let bias_${v} = bias[q + ${v}];
  //#else
  let bias_${v} = vec4f();
  //#end
  //#for y in 0..ROWS
  //#for p in 0..PX
  var y_${y}_${p}_${v} = bias_${v};
  //#end
  //#end
  //#end

  //#if ROWS == 1
  for (var kh = 0; kh < KH; kh++) {
    let iy = oy * STRIDE_Y - PAD_TOP + kh * DILATION_Y;
    let row_inside = iy >= 0 && iy < H;
    for (var i = 0; i < IC4; i++) {
      let channels = x_channels(i);
      //#include conv2d_row
      //#for y in 0..1
      //#include conv2d_taps
      //#end
    }
  }
  //#else
  for (var i = 0; i < IC4; i++) {
    let channels = x_channels(i);
    //#for r in 0..SPAN
    {
      let iy = oy * STRIDE_Y - PAD_TOP + ${r};
      //#if r >= PAD_TOP && (BANDS - 1) * ROWS * STRIDE_Y - PAD_TOP + r < H
      let row_inside = true;
      //#else
      let row_inside = iy >= 0 && iy < H;
      //#end
      //#include conv2d_row
      //#for y in 0..ROWS
      //#if r >= y * STRIDE_Y && (r - y * STRIDE_Y) % DILATION_Y == 0 && (r - y * STRIDE_Y) / DILATION_Y < KH
      {
        let kh = ${(r - y * STRIDE_Y) / DILATION_Y};
        //#include conv2d_taps
      }
      //#end
      //#end
    }
    //#end
  }
  //#end

  //#include conv2d_store
}

// ------------------------------------------------------------------------------------ gradient of the input
// A block covers pixels of dx whose row and column have the same parity: iy = ry·STRIDE_Y + parity_y, likewise ix.
// dy column `rx + FIRST + c` is loaded once for all of them.
// SUMS: x came out of a batch norm, which wants to know Σ g and Σ g·(x̂'s x − μ) of the gradient behind it. g is dx where the
// norm's ReLU let x through: where the stored x is positive (MASK_STORED), or the view of it (MASK_VIEW), or
// everywhere; g is written in place of dx.
// Constants: as forward, ROWS (1 unless the stride is 1), BANDS = ⌈⌈H / STRIDE_Y⌉ / ROWS⌉,
// STRIPS = ⌈⌈W / STRIDE_X⌉ / PX⌉, BLOCKS = N·BANDS·STRIPS, FIRST = ⌊(PAD_LEFT − (KW − 1)·DILATION_X) / STRIDE_X⌋,
// COLUMNS, SPAN, BROADCAST, ADDEND, DY_VIEW, SUMS COOPERATE MASK_STORED MASK_VIEW.
// Dispatch: ⌈BLOCKS / 64⌉ × IC4 / QV × STRIDE_Y·STRIDE_X workgroups; partial: slices × IC4 × (Σ g, Σ g·(x − μ)).
//#section conv2d_grad_input
//#include load_dy
//#include conv2d_weight
//#include conv2d_grad_outputs

@compute @workgroup_size(64)
fn conv2d_grad_input(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  //#if BROADCAST
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
  //#end
) {
  //#if BROADCAST
  let quad_lane = i32(subgroup_lane % 4u);
  //#end
  let used = i32(id.x) < BLOCKS;
  let block = min(i32(id.x), BLOCKS - 1);
  let rx = block % STRIPS * PX;
  let ry = block / STRIPS % BANDS * ROWS;
  let n = block / (STRIPS * BANDS);
  let q = i32(group.y) * QV;
  let parity_y = i32(group.z) / STRIDE_X;
  let parity_x = i32(group.z) % STRIDE_X;

  //#for c in 0..COLUMNS
  let ox_${c} = rx + FIRST + ${c};
  //#if FIRST + c >= 0 && (STRIPS - 1) * PX + FIRST + c < OW
  let inside_${c} = true;
  let column_${c} = ox_${c} * OC4;
  //#else
  let inside_${c} = ox_${c} >= 0 && ox_${c} < OW;
  let column_${c} = clamp(ox_${c}, 0, OW - 1) * OC4;
  //#end
  //#end
  //#for y in 0..ROWS
  //#for p in 0..PX
  //#for v in 0..QV
  var dx_${y}_${p}_${v} = vec4f();
  //#end
  //#end
  //#end

  //#if ROWS == 1
  for (var kh = 0; kh < KH; kh++) {
    let reach_y = parity_y + PAD_TOP - kh * DILATION_Y + KH * DILATION_Y * STRIDE_Y;
    if (reach_y % STRIDE_Y != 0) {
      continue;
    }
    let oy = ry + reach_y / STRIDE_Y - KH * DILATION_Y;
    let row_inside = oy >= 0 && oy < OH;
    for (var o = 0; o < OC4; o++) {
      let channels = dy_channels(o);
      //#include conv2d_grad_row
      //#for y in 0..1
      //#for px in 0..STRIDE_X
      if (parity_x == ${px}) {
        //#include conv2d_grad_taps
      }
      //#end
      //#end
    }
  }
  //#else
  for (var o = 0; o < OC4; o++) {
    let channels = dy_channels(o);
    //#for r in 0..SPAN
    {
      let oy = ry + PAD_TOP - (KH - 1) * DILATION_Y + ${r};
      //#if PAD_TOP - (KH - 1) * DILATION_Y + r >= 0 && (BANDS - 1) * ROWS + PAD_TOP - (KH - 1) * DILATION_Y + r < OH
      let row_inside = true;
      //#else
      let row_inside = oy >= 0 && oy < OH;
      //#end
      //#include conv2d_grad_row
      //#for y in 0..ROWS
      //#if r >= y && (r - y) % DILATION_Y == 0 && (r - y) / DILATION_Y < KH
      {
        let kh = ${KH - 1 - (r - y) / DILATION_Y};
        //#for px in 0..1
        //#include conv2d_grad_taps
        //#end
      }
      //#end
      //#end
    }
    //#end
  }
  //#end

  //#include conv2d_grad_store
}

// -------------------------------------------------------------------------------- gradient of the weight
// One invocation sums KROWS kernel rows (KROWS·KW taps × 4 input × 4·QV output channels) over STRIPS_PER_SPLIT strips
// of PX output pixels, four at a time: with their dy and x as columns of two matrices, Σ dy·xᵀ is their product. The sums
// of different splits go to `partial` and are added by `sum_partials` in fixed order, so that the result does not
// depend on scheduling (no atomics).
// SHARERS = 2 (with IC4 and OC4/QV even): four neighbours, which are a quad of their subgroup, sum two input blocks × two output
// blocks. Left and right share dy, above and below share x: each loads every other pixel and has the rest from its neighbour.
// Constants: as forward (COLUMNS, X_VIEW X_RELU), DY_VIEW, KROWS (1 or KH), PX (a multiple of 4), QV, STRIPS = ⌈OW / PX⌉,
// TOTAL_STRIPS = N·OH·STRIPS, SPLITS, STRIPS_PER_SPLIT, SHARERS (1 or 2), INVOCATIONS of a workgroup.
// Dispatch: ⌈SPLITS·KH/KROWS·IC4·OC4/QV / INVOCATIONS⌉ workgroups; partial: SPLITS × KH,KW,IC,OC4.
//#section conv2d_grad_weight
//#include load_x
//#include load_dy
@group(0) @binding(next) var<storage, read_write> partial: array<vec4f>;

@compute @workgroup_size(INVOCATIONS)
fn conv2d_grad_weight(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let cell = i32(id.y * groups.x * INVOCATIONS + id.x);
  let right = cell % SHARERS;
  let below = cell / SHARERS % SHARERS;
  let q = (cell / (SHARERS * SHARERS) % (OC4 / QV / SHARERS) * SHARERS + below) * QV;
  let i = cell / (OC4 / QV * SHARERS) % (IC4 / SHARERS) * SHARERS + right;
  let kh = cell / (OC4 / QV * IC4) % (KH / KROWS) * KROWS;
  let split = cell / (OC4 / QV * IC4 * (KH / KROWS));

  let x_i = x_channels(i);
  //#for v in 0..QV
  let dy_q_${v} = dy_channels(q + ${v});
  //#for r in 0..KROWS
  //#for kw in 0..KW
  var dw_${r}_${kw}_${v} = mat4x4f();
  //#end
  //#end
  //#end
  for (var s = 0; s < STRIPS_PER_SPLIT; s++) {
    let index = split * STRIPS_PER_SPLIT + s;
    let strip = min(index, TOTAL_STRIPS - 1);
    let ox = strip % STRIPS * PX;
    let oy = strip / STRIPS % OH;
    let n = strip / (STRIPS * OH);
    let out = (n * OH + oy) * OW;
    //#for p in 0..PX / SHARERS
    //#if OW % PX == 0
    let used_${p} = index < TOTAL_STRIPS;
    let at_${p} = (out + ox + ${p * SHARERS} + right) * OC4 + q;
    //#else
    let used_${p} = index < TOTAL_STRIPS && ox + ${p * SHARERS} + right < OW;
    let at_${p} = (out + min(ox + ${p * SHARERS} + right, OW - 1)) * OC4 + q;
    //#end
    //#for v in 0..QV
    let own_dy_${p}_${v} = select(vec4f(), load_dy(at_${p} + ${v}, dy_q_${v}), used_${p});
    //#if SHARERS == 2
    let other_dy_${p}_${v} = quadSwapX(own_dy_${p}_${v});
    let dy_${p * 2}_${v} = select(own_dy_${p}_${v}, other_dy_${p}_${v}, right == 1);
    let dy_${p * 2 + 1}_${v} = select(other_dy_${p}_${v}, own_dy_${p}_${v}, right == 1);
    //#else
    let dy_${p}_${v} = own_dy_${p}_${v};
    //#end
    //#end
    //#end
    //#for c in 0..(COLUMNS + SHARERS - 1) / SHARERS
    let ix_${c} = ox * STRIDE_X - PAD_LEFT + ${c * SHARERS} + below;
    //#if c * SHARERS >= PAD_LEFT && (STRIPS - 1) * PX * STRIDE_X - PAD_LEFT + (c + 1) * SHARERS - 1 < W
    let inside_${c} = true;
    let column_${c} = ix_${c} * IC4 + i;
    //#else
    let inside_${c} = ix_${c} >= 0 && ix_${c} < W;
    let column_${c} = clamp(ix_${c}, 0, W - 1) * IC4 + i;
    //#end
    //#end
    //#for r in 0..KROWS
    {
      let iy = oy * STRIDE_Y - PAD_TOP + (kh + ${r}) * DILATION_Y;
      let row_inside = iy >= 0 && iy < H;
      let row = (n * H + clamp(iy, 0, H - 1)) * W * IC4;
      //#for c in 0..(COLUMNS + SHARERS - 1) / SHARERS
      let own_x_${c} = select(vec4f(), load_x(row + column_${c}, x_i), row_inside && inside_${c});
      //#if SHARERS == 2
      let other_x_${c} = quadSwapY(own_x_${c});
      let x_${c * 2} = select(own_x_${c}, other_x_${c}, below == 1);
      let x_${c * 2 + 1} = select(other_x_${c}, own_x_${c}, below == 1);
      //#else
      let x_${c} = own_x_${c};
      //#end
      //#end
      //#include conv2d_grad_weight_taps
    }
    //#end
  }
  if (split < SPLITS) {
    //#for r in 0..KROWS
    //#for kw in 0..KW
    //#for lane in 0..4
    //#for v in 0..QV
    partial[(((split * KH + kh + ${r}) * KW + ${kw}) * IC4 * 4 + i * 4 + ${lane}) * OC4 + q + ${v}] = dw_${r}_${kw}_${v}[${lane}];
    //#end
    //#end
    //#end
    //#end
  }
}
