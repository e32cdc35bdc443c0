// Winograd's minimal filtering F(2×2, 3×3): convolutions of one group with kernels of 3×3 and stride 1, and the gradients of their
// inputs, in 16 multiplications for four pixels and a pair of channels in place of 36.
//
// Two pixels of a row take six multiplications, y0 = d0·g0 + d1·g1 + d2·g2 and y1 = d1·g0 + d2·g1 + d3·g2, or these four:
//
//   m0 = (d0 − d2)·g0      m1 = (d1 + d2)·(g0 + g1 + g2)/2      m2 = (d2 − d1)·(g0 − g1 + g2)/2      m3 = (d1 − d3)·g2
//   y0 = m0 + m1 + m2      y1 = m1 − m2 − m3
//
// As matrices y = Aᵀ[(G·g) ⊙ (Bᵀ·d)]; along rows and columns, with d the 4×4 pixels under a tile of 2×2,
//
//   Y = Aᵀ[Σ_i (G·g_i·Gᵀ) ⊙ (Bᵀ·d_i·B)]·A
//
//   Bᵀ = 1  0 −1  0      G = 1   0   0      Aᵀ = 1  1  1  0
//        0  1  1  0          ½   ½   ½           0  1 −1 −1
//        0 −1  1  0          ½  −½   ½
//        0  1  0 −1          0   0   1
//
// The sum over input channels i is taken before the way back, at each of the 16 positions by itself: 16 products of matrices,
// tiles × IC times IC × OC. So there are four kernels: U = G·g·Gᵀ, V = Bᵀ·d·B, their products M, and Y. The gradient of the input is
// the same with dy for x, kernels turned by 180° and channels exchanged (TURNED): U is made so, the others do not know.
//
// Layouts (vec4s; tiles side by side, for neighbouring invocations take neighbouring tiles):
//   U: 16, input channels, vec4s of output channels; V: 16, vec4s of input channels, tiles; M: 16, vec4s of output channels, tiles.
//
// Winograd 1980, "Arithmetic Complexity of Computations"; Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks",
// section 4.1. One kernel for all of it, which keeps V and M in registers, loads less, but took minutes to compile on a CPU:
// see docs/rejected.md.

// ------------------------------------------------------------------------------------------- U = G·g·Gᵀ
// One invocation transforms a vec4 of kernels.
// Constants: IC4 OC4, those of the weight; TURNED; QUADS, vec4s in a row of U; CELLS = rows of U · QUADS. Dispatch: ⌈CELLS / 64⌉.
//#section winograd_weight
@group(0) @binding(next) var<storage, read> weight: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> transformed: array<vec4f>;

fn tap(k: i32, row: i32, q: i32) -> vec4f {
  //#if TURNED
  let first = ((8 - k) * IC4 * 4 + q * 4) * OC4 + row / 4;
  let lane = row % 4;
  return vec4f(weight[first][lane], weight[first + OC4][lane], weight[first + 2 * OC4][lane], weight[first + 3 * OC4][lane]);
  //#else
  return weight[(k * IC4 * 4 + row) * OC4 + q];
  //#end
}

@compute @workgroup_size(64)
fn winograd_weight(@builtin(global_invocation_id) id: vec3u) {
  let cell = i32(id.x);
  if (cell >= CELLS) {
    return;
  }
  let row = cell / QUADS;
  let q = cell % QUADS;
  //#for c in 0..3
  let g_0_${c} = tap(${c}, row, q);
  let g_1_${c} = tap(${3 + c}, row, q);
  let g_2_${c} = tap(${6 + c}, row, q);
  let h_0_${c} = g_0_${c};
  let h_1_${c} = 0.5 * (g_0_${c} + g_1_${c} + g_2_${c});
  let h_2_${c} = 0.5 * (g_0_${c} - g_1_${c} + g_2_${c});
  let h_3_${c} = g_2_${c};
  //#end
  //#for r in 0..4
  transformed[${4 * r} * CELLS + cell] = h_${r}_0;
  transformed[${4 * r + 1} * CELLS + cell] = 0.5 * (h_${r}_0 + h_${r}_1 + h_${r}_2);
  transformed[${4 * r + 2} * CELLS + cell] = 0.5 * (h_${r}_0 - h_${r}_1 + h_${r}_2);
  transformed[${4 * r + 3} * CELLS + cell] = h_${r}_2;
  //#end
}

// ------------------------------------------------------------------------------------------- V = Bᵀ·d·B
// One invocation transforms a vec4 of channels of the 4×4 pixels under a tile; those in the padding are zero.
// Constants: as `conv2d`, for the operand; HEIGHT WIDTH QUADS of x, or with TURNED of dy; TOP LEFT, its padding; TILES_Y TILES_X,
// TILES = N·TILES_Y·TILES_X. Dispatch: ⌈TILES / 64⌉ × QUADS.
//#section winograd_input
//#if TURNED
//#include load_dy
//#else
//#include load_x
//#end
@group(0) @binding(next) var<storage, read_write> transformed: array<vec4f>;

@compute @workgroup_size(64)
fn winograd_input(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  let tile = i32(id.x);
  if (tile >= TILES) {
    return;
  }
  let q = i32(group.y);
  let top = tile / TILES_X % TILES_Y * 2 - TOP;
  let left = tile % TILES_X * 2 - LEFT;
  let n = tile / (TILES_X * TILES_Y);
  //#if TURNED
  let channels = dy_channels(q);
  //#else
  let channels = x_channels(q);
  //#end
  //#for r in 0..4
  let row_inside_${r} = top + ${r} >= 0 && top + ${r} < HEIGHT;
  let row_${r} = (n * HEIGHT + clamp(top + ${r}, 0, HEIGHT - 1)) * WIDTH;
  //#end
  //#for c in 0..4
  let inside_${c} = left + ${c} >= 0 && left + ${c} < WIDTH;
  let column_${c} = clamp(left + ${c}, 0, WIDTH - 1);
  //#for r in 0..4
  //#if TURNED
  let d_${r}_${c} = select(vec4f(), load_dy((row_${r} + column_${c}) * QUADS + q, channels), row_inside_${r} && inside_${c});
  //#else
  let d_${r}_${c} = select(vec4f(), load_x((row_${r} + column_${c}) * QUADS + q, channels), row_inside_${r} && inside_${c});
  //#end
  //#end
  let b_0_${c} = d_0_${c} - d_2_${c};
  let b_1_${c} = d_1_${c} + d_2_${c};
  let b_2_${c} = d_2_${c} - d_1_${c};
  let b_3_${c} = d_1_${c} - d_3_${c};
  //#end
  //#for r in 0..4
  transformed[(${4 * r} * QUADS + q) * TILES + tile] = b_${r}_0 - b_${r}_2;
  transformed[(${4 * r + 1} * QUADS + q) * TILES + tile] = b_${r}_1 + b_${r}_2;
  transformed[(${4 * r + 2} * QUADS + q) * TILES + tile] = b_${r}_2 - b_${r}_1;
  transformed[(${4 * r + 3} * QUADS + q) * TILES + tile] = b_${r}_1 - b_${r}_3;
  //#end
}

// ------------------------------------------------------------------------------- M, 16 products of matrices
// One invocation computes a register block of T tiles × QV vec4s of channels; its tiles lie BLOCKS apart, so that neighbours load
// neighbouring ones. All invocations of a workgroup use the same weights, and with BROADCAST the four of a quad load a quarter of
// them each. Those without tiles return early, whole quads at a time: on a CPU that plays a GPU they would take as long as the others.
// Constants: TILES, T, BLOCKS = ⌈TILES / T⌉, IC4, vec4s that are summed over, OC4, those of M, QV, BROADCAST.
// Dispatch: ⌈BLOCKS / 64⌉ × OC4 / QV × 16 workgroups.
//#section winograd_product
@group(0) @binding(next) var<storage, read> pixels: array<vec4f>;
@group(0) @binding(next) var<storage, read> weight: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> filtered: array<vec4f>;

//#if BROADCAST
@diagnostic(off, subgroup_uniformity)
//#end
@compute @workgroup_size(64)
fn winograd_product(
  @builtin(global_invocation_id) id: vec3u,
  //#if BROADCAST
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
  //#end
  @builtin(workgroup_id) group: vec3u,
) {
  if (i32(id.x) >= (BLOCKS + 3) / 4 * 4) {
    return;
  }
  //#if BROADCAST
  let quad_lane = i32(subgroup_lane % 4u);
  //#end
  let q = i32(group.y) * QV;
  let k = i32(group.z);
  //#for t in 0..T
  let tile_${t} = min(i32(id.x) + ${t} * BLOCKS, TILES - 1);
  //#for v in 0..QV
  var m_${t}_${v} = vec4f();
  //#end
  //#end
  for (var i = 0; i < IC4; i++) {
    //#for t in 0..T
    let x_${t} = pixels[(k * IC4 + i) * TILES + tile_${t}];
    //#end
    //#for v in 0..QV
    {
      let first = (k * IC4 * 4 + i * 4) * OC4 + q + ${v};
      //#if BROADCAST
      let own = weight[first + quad_lane * OC4];
      let w = mat4x4f(quadBroadcast(own, 0u), quadBroadcast(own, 1u), quadBroadcast(own, 2u), quadBroadcast(own, 3u));
      //#else
      let w = mat4x4f(weight[first], weight[first + OC4], weight[first + 2 * OC4], weight[first + 3 * OC4]);
      //#end
      //#for t in 0..T
      m_${t}_${v} += w * x_${t};
      //#end
    }
    //#end
  }
  //#for t in 0..T
  if (i32(id.x) < BLOCKS && i32(id.x) + ${t} * BLOCKS < TILES) {
    //#for v in 0..QV
    filtered[(k * OC4 + q + ${v}) * TILES + tile_${t}] = m_${t}_${v};
    //#end
  }
  //#end
}

// -------------------------------------------------------------------------------------- Y = Aᵀ·M·A, forward
// An invocation computes a block of two rows × PX columns of y: PX / 2 tiles of a vec4 of channels.
// Constants: as `conv2d` (ROWS = 2, PX even, QV = 1), QUADS = OC4, TILES TILES_X.
// Dispatch: ⌈BLOCKS / 64⌉ × OC4 workgroups; partial as that of `conv2d`.
//#section winograd_output
@group(0) @binding(next) var<storage, read> filtered: array<vec4f>;
//#include conv2d_outputs

@compute @workgroup_size(64)
fn winograd_output(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let used = i32(id.x) < BLOCKS;
  let block = min(i32(id.x), BLOCKS - 1);
  let ox = block % STRIPS * PX;
  let oy = block / STRIPS % BANDS * 2;
  let n = block / (STRIPS * BANDS);
  let q = i32(group.y);
  let first = block / STRIPS * TILES_X;
  let column = ox / 2;
  //#include winograd_inverse
  //#if BIAS
  let bias_0 = bias[q];
  //#else
  let bias_0 = vec4f();
  //#end
  //#for y in 0..2
  //#for p in 0..PX
  let y_${y}_${p}_0 = z_${y}_${p} + bias_0;
  //#end
  //#end
  //#include conv2d_store
}

// ----------------------------------------------------------------------- Y = Aᵀ·M·A, gradient of the input
// As forward, of dx. Constants: as `conv2d_grad_input` (ROWS = 2, PX even, QV = 1, strides of 1), QUADS = IC4, TILES TILES_X.
// Dispatch: ⌈BLOCKS / 64⌉ × IC4 workgroups; partial as that of `conv2d_grad_input`.
//#section winograd_grad_input
@group(0) @binding(next) var<storage, read> filtered: array<vec4f>;
//#include conv2d_grad_outputs

@compute @workgroup_size(64)
fn winograd_grad_input(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let used = i32(id.x) < BLOCKS;
  let block = min(i32(id.x), BLOCKS - 1);
  let rx = block % STRIPS * PX;
  let ry = block / STRIPS % BANDS * 2;
  let n = block / (STRIPS * BANDS);
  let q = i32(group.y);
  let parity_y = 0;
  let parity_x = 0;
  let first = block / STRIPS * TILES_X;
  let column = rx / 2;
  //#include winograd_inverse
  //#for y in 0..2
  //#for p in 0..PX
  let dx_${y}_${p}_0 = z_${y}_${p};
  //#end
  //#end
  //#include conv2d_grad_store
}
