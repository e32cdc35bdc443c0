// Two-dimensional convolution (cross-correlation) and its two gradients.
//
//   y[n,o,oy,ox]  = Σ_{i,kh,kw} x[n,i, oy·S + kh·D − PT, ox·S + kw·D − PL] · weight[o,i,kh,kw]  (+ bias[o])
//   dx[n,i,iy,ix] = Σ_{o,kh,kw} dy[n,o,oy,ox] · weight[o,i,kh,kw]   over taps with iy = oy·S + kh·D − PT, same for x
//   dw[o,i,kh,kw] = Σ_{n,oy,ox} x[n,i, oy·S + kh·D − PT, ox·S + kw·D − PL] · dy[n,o,oy,ox]
//
// Layouts (vec4 over the innermost channels): x, dx: N,H,W,IC4; y, dy: N,OH,OW,OC4;
// weight: KH,KW,IC,OC4 with IC = 4·IC4 rows. Channels that pad the last vec4 hold zero weights.
//
// Mapping: implicit GEMM without an im2col buffer. One invocation keeps a register block of PX
// neighbouring pixels of one row × QV vec4s of channels. Pixels of one row share the columns they load
// (PX + KW − 1 instead of PX · KW). All invocations of a workgroup use the same weights, so these loads
// are uniform, and weights that fit are bound as a uniform buffer (constant cache on GPUs, scalar loads on CPUs).
// Out-of-range rows and columns are read at a clamped address and replaced by zero:
// a select costs less than a divergent branch.
//
// Method: Chellapilla et al. 2006 (convolution as GEMM); cuDNN (Chetlur et al. 2014) for doing so implicitly.
// The stride-S data gradient is S·S sub-convolutions, one for each parity of (iy, ix), so that no
// multiplication by an inserted zero is ever made (Dumoulin & Visin 2016, section 4).

// ---------------------------------------------------------------------------------------------- forward
// Constants: N H W IC4 LANES, OH OW OC4, KH KW, STRIDE_Y STRIDE_X, PAD_TOP PAD_LEFT, DILATION_Y DILATION_X,
// PX QV, STRIPS = ⌈OW / PX⌉, BLOCKS = N·OH·STRIPS, COLUMNS = (PX − 1)·STRIDE_X + (KW − 1)·DILATION_X + 1, BIAS.
// Dispatch: ⌈BLOCKS / 64⌉ × OC4 / QV workgroups.
//#section conv2d
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
//#if UNIFORM_WEIGHT
@group(0) @binding(1) var<uniform> weight: array<vec4f, KH * KW * IC4 * 4 * OC4>;
//#else
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
//#end
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
//#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn conv2d(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  let block = min(i32(id.x), BLOCKS - 1);
  let ox = block % STRIPS * PX;
  let oy = block / STRIPS % OH;
  let n = block / (STRIPS * OH);
  let q = i32(group.y) * QV;

  //#for c in 0..COLUMNS
  let ix_${c} = ox * STRIDE_X - PAD_LEFT + ${c};
  let inside_${c} = ix_${c} >= 0 && ix_${c} < W;
  let column_${c} = clamp(ix_${c}, 0, W - 1) * IC4;
  //#end
  //#for v in 0..QV
  //#if BIAS
  let bias_${v} = bias[q + ${v}];
  //#else
  let bias_${v} = vec4f();
  //#end
  //#for p in 0..PX
  var y_${p}_${v} = bias_${v};
  //#end
  //#end

  for (var kh = 0; kh < KH; kh++) {
    let iy = oy * STRIDE_Y - PAD_TOP + kh * DILATION_Y;
    let row_inside = iy >= 0 && iy < H;
    let row = (n * H + clamp(iy, 0, H - 1)) * W * IC4;
    for (var i = 0; i < IC4; i++) {
      //#for c in 0..COLUMNS
      let x_${c} = select(vec4f(), x[row + column_${c} + i], row_inside && inside_${c});
      //#end
      //#for v in 0..QV
      //#for kw in 0..KW
      //#for lane in 0..LANES
      let w_${v}_${kw}_${lane} = weight[((kh * KW + ${kw}) * IC4 * 4 + i * 4 + ${lane}) * OC4 + q + ${v}];
      //#end
      //#end
      //#for p in 0..PX
      y_${p}_${v} = y_${p}_${v}
      //#for kw in 0..KW
      //#for lane in 0..LANES
        + x_${p * STRIDE_X + kw * DILATION_X}[${lane}] * w_${v}_${kw}_${lane}
      //#end
      //#end
      ;
      //#end
      //#end
    }
  }

  if (i32(id.x) < BLOCKS) {
    let first = ((n * OH + oy) * OW + ox) * OC4 + q;
    //#for p in 0..PX
    if (ox + ${p} < OW) {
      //#for v in 0..QV
      y[first + ${p} * OC4 + ${v}] = y_${p}_${v};
      //#end
    }
    //#end
  }
}

// --------------------------------------------------------------------------------- gradient of the input
// Constants: as above, and PX QV now block dx: a strip holds PX pixels ix = parity_x + STRIDE_X·(rx + p).
// STRIPS = ⌈⌈W / STRIDE_X⌉ / PX⌉, ROWS = ⌈H / STRIDE_Y⌉, BLOCKS = N·ROWS·STRIPS,
// FIRST = ⌊(PAD_LEFT − (KW − 1)·DILATION_X) / STRIDE_X⌋ (leftmost dy column, relative to rx),
// COLUMNS = PX + ⌊(STRIDE_X − 1 + PAD_LEFT) / STRIDE_X⌋ − FIRST, ADDEND (dx gets addend added).
// Dispatch: ⌈BLOCKS / 64⌉ × IC4 / QV × STRIDE_Y·STRIDE_X workgroups.
//#section conv2d_grad_input
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
//#if UNIFORM_WEIGHT
@group(0) @binding(1) var<uniform> weight: array<vec4f, KH * KW * IC4 * 4 * OC4>;
//#else
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
//#end
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(3) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn conv2d_grad_input(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  let block = min(i32(id.x), BLOCKS - 1);
  let rx = block % STRIPS * PX;
  let ry = block / STRIPS % ROWS;
  let n = block / (STRIPS * ROWS);
  let q = i32(group.y) * QV;
  let parity_y = i32(group.z) / STRIDE_X;
  let parity_x = i32(group.z) % STRIDE_X;

  //#for c in 0..COLUMNS
  let ox_${c} = rx + FIRST + ${c};
  let inside_${c} = ox_${c} >= 0 && ox_${c} < OW;
  let column_${c} = clamp(ox_${c}, 0, OW - 1) * OC4;
  //#end
  //#for v in 0..QV
  //#for p in 0..PX
  var dx_${p}_${v} = vec4f();
  //#end
  //#end

  for (var kh = 0; kh < KH; kh++) {
    let reach_y = parity_y + PAD_TOP - kh * DILATION_Y + KH * DILATION_Y * STRIDE_Y;
    if (reach_y % STRIDE_Y != 0) {
      continue;
    }
    let oy = ry + reach_y / STRIDE_Y - KH * DILATION_Y;
    let row_inside = oy >= 0 && oy < OH;
    let row = (n * OH + clamp(oy, 0, OH - 1)) * OW * OC4;
    for (var o = 0; o < OC4; o++) {
      //#for c in 0..COLUMNS
      let dy_${c} = select(vec4f(), dy[row + column_${c} + o], row_inside && inside_${c});
      //#end
      //#for px in 0..STRIDE_X
      if (parity_x == ${px}) {
        //#for kw in 0..KW
        //#if (px + PAD_LEFT - kw * DILATION_X) % STRIDE_X == 0
        //#for v in 0..QV
        {
          let at = ((kh * KW + ${kw}) * IC4 * 4 + (q + ${v}) * 4) * OC4 + o;
          let w_0 = weight[at];
          let w_1 = weight[at + OC4];
          let w_2 = weight[at + 2 * OC4];
          let w_3 = weight[at + 3 * OC4];
          //#for lane in 0..4
          let t_${lane} = vec4f(w_0[${lane}], w_1[${lane}], w_2[${lane}], w_3[${lane}]);
          //#end
          //#for p in 0..PX
          dx_${p}_${v} = dx_${p}_${v}
          //#for lane in 0..4
            + dy_${p + (px + PAD_LEFT - kw * DILATION_X) / STRIDE_X - FIRST}[${lane}] * t_${lane}
          //#end
          ;
          //#end
        }
        //#end
        //#end
        //#end
      }
      //#end
    }
  }

  let iy = ry * STRIDE_Y + parity_y;
  if (i32(id.x) < BLOCKS && iy < H) {
    //#for p in 0..PX
    let ix_${p} = (rx + ${p}) * STRIDE_X + parity_x;
    if (ix_${p} < W) {
      let at = ((n * H + iy) * W + ix_${p}) * IC4 + q;
      //#for v in 0..QV
      //#if ADDEND
      dx[at + ${v}] = dx_${p}_${v} + addend[at + ${v}];
      //#else
      dx[at + ${v}] = dx_${p}_${v};
      //#end
      //#end
    }
    //#end
  }
}

// -------------------------------------------------------------------------------- gradient of the weight
// One invocation sums one kernel row (KW taps × 4 input × 4 output channels) over STRIPS_PER_SPLIT strips
// of PX output pixels. The sums of different splits go to `partial` and are added by `sum_partials` in
// fixed order, so that the result does not depend on scheduling (no atomics).
// Constants: as in forward (COLUMNS, PX), STRIPS, TOTAL_STRIPS = N·OH·STRIPS, SPLITS, STRIPS_PER_SPLIT.
// Dispatch: ⌈SPLITS·KH·IC4·OC4 / 64⌉ workgroups; partial: SPLITS × KH,KW,IC,OC4.
//#section conv2d_grad_weight
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;

@compute @workgroup_size(64)
fn conv2d_grad_weight(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let cell = i32(id.y * groups.x * 64u + id.x);
  let q = cell % OC4;
  let i = cell / OC4 % IC4;
  let kh = cell / (OC4 * IC4) % KH;
  let split = cell / (OC4 * IC4 * KH);

  //#for kw in 0..KW
  //#for lane in 0..4
  var dw_${kw}_${lane} = vec4f();
  //#end
  //#end
  for (var s = 0; s < STRIPS_PER_SPLIT; s++) {
    let index = split * STRIPS_PER_SPLIT + s;
    let strip = min(index, TOTAL_STRIPS - 1);
    let ox = strip % STRIPS * PX;
    let oy = strip / STRIPS % OH;
    let n = strip / (STRIPS * OH);
    let iy = oy * STRIDE_Y - PAD_TOP + kh * DILATION_Y;
    let used = index < TOTAL_STRIPS && iy >= 0 && iy < H;
    let row = (n * H + clamp(iy, 0, H - 1)) * W;
    let out = (n * OH + oy) * OW;
    //#for p in 0..PX
    let dy_${p} = select(vec4f(), dy[(out + min(ox + ${p}, OW - 1)) * OC4 + q], used && ox + ${p} < OW);
    //#end
    //#for c in 0..COLUMNS
    let ix_${c} = ox * STRIDE_X - PAD_LEFT + ${c};
    let x_${c} = select(vec4f(), x[(row + clamp(ix_${c}, 0, W - 1)) * IC4 + i], ix_${c} >= 0 && ix_${c} < W);
    //#end
    //#for kw in 0..KW
    //#for lane in 0..4
    dw_${kw}_${lane} = dw_${kw}_${lane}
    //#for p in 0..PX
      + x_${p * STRIDE_X + kw * DILATION_X}[${lane}] * dy_${p}
    //#end
    ;
    //#end
    //#end
  }
  if (split < SPLITS) {
    //#for kw in 0..KW
    //#for lane in 0..4
    partial[(((split * KH + kh) * KW + ${kw}) * IC4 * 4 + i * 4 + ${lane}) * OC4 + q] = dw_${kw}_${lane};
    //#end
    //#end
  }
}
