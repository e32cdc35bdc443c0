// The convolution of shaders/conv2d.wgsl and its two gradients for GPUs: a workgroup loads the pixels that its invocations share
// once, in place of once for each of them and for each row of the kernel.
//
// Mapping: implicit GEMM. A workgroup computes a tile of pixels (shaders/tile.wgsl) × QV vec4s of channels, an invocation one
// of its blocks of PX neighbouring pixels. SLICE vec4s of channels of the pixels under the tile, with their halo and with
// zeros for padding, are staged in workgroup memory; a view (norm, ReLU) is computed on the way there. All taps read them
// there, then comes the next slice. The next slice is loaded before the workgroup waits for those who still use the last one.
// Invocations load neighbouring vec4s (SLICE of a pixel, then its neighbour's), and compute neighbouring rows: with stride 1 these lie
// WIDTH vec4s apart, an odd number, so that eight invocations read from different banks. Weights are not staged: all
// invocations use the same ones at the same time, as in shaders/conv2d.wgsl.
//
// Workgroup memory: 16·SLICE·STAGED bytes (11 KiB at most), 2,304 more with MOMENTS, 2,048 with SUMS.
// Method: Volkov & Demmel 2008 (register blocks fed from workgroup memory); Micikevicius 2009 (tiles with a halo).

// ---------------------------------------------------------------------------------------------- forward
// Constants: as `conv2d` (without ROWS, STRIPS, BANDS, BLOCKS), ACROSS DOWN PICTURES, TILES_X = ⌈OW / (ACROSS·PX)⌉,
// TILES_Y = ⌈OH / DOWN⌉, SPAN = (DOWN − 1)·STRIDE_Y + (KH − 1)·DILATION_Y + 1, WIDTH: the same for columns, and odd,
// STAGED = PICTURES·SPAN·WIDTH, SLICE (1 or 2, divides IC4), LOADS = ⌈SLICE·STAGED / 64⌉.
// Dispatch: ⌈N / PICTURES⌉·TILES_Y·TILES_X × OC4 / QV workgroups; partial: tiles × OC4 × (mean, M2).
//#section conv2d_tile
//#include load_x
//#include conv2d_weight
//#include conv2d_outputs
//#include tile

@compute @workgroup_size(64)
fn conv2d_tile(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = tile_at(i32(group.x));
  let block = block_at(i32(lane));
  let n = first.x + block.x;
  let oy = first.y + block.y;
  let ox = first.z + block.z;
  let used = block.x < PICTURES && n < N && oy < OH && ox < OW;
  let q = i32(group.y) * QV;

  let corner = vec3i(first.x, first.y * STRIDE_Y - PAD_TOP, first.z * STRIDE_X - PAD_LEFT);
  let own = i32(lane) % SLICE;
  let own_pixel = i32(lane) / SLICE;
  //#for k in 0..LOADS
  let from_${k} = staged_from(own_pixel + ${k * 64 / SLICE}, corner, vec3i(N, H, W));
  //#end
  //#for v in 0..QV
  //#for p in 0..PX
  //#if BIAS
  var y_0_${p}_${v} = bias[q + ${v}];
  //#else
  var y_0_${p}_${v} = vec4f();
  //#end
  //#end
  //#end

  let block_start = (block.x * SPAN + block.y * STRIDE_Y) * WIDTH + block.z * STRIDE_X;
  for (var slice = 0; slice < IC4; slice += SLICE) {
    let channels = x_channels(slice + own);
    //#for k in 0..LOADS
    let staged_${k} = select(vec4f(), load_x(max(from_${k}, 0) * IC4 + slice + own, channels), from_${k} >= 0);
    //#end
    workgroupBarrier();
    //#include tile_stage
    workgroupBarrier();
    for (var s = 0; s < SLICE; s++) {
      let i = slice + s;
      for (var kh = 0; kh < KH; kh++) {
        let at = s * STAGED + block_start + kh * DILATION_Y * WIDTH;
        //#for c in 0..COLUMNS
        let x_${c} = tile[at + ${c}];
        //#end
        //#for y in 0..1
        //#include conv2d_taps
        //#end
      }
    }
  }
  //#include conv2d_store
}

// ------------------------------------------------------------------------------------ gradient of the input
// For stride 1: the tile is one of dx, the pixels under it are those of dy.
// Constants: as `conv2d_grad_input` (without STRIPS, BANDS, BLOCKS), TILES_X = ⌈W / (ACROSS·PX)⌉, TILES_Y = ⌈H / DOWN⌉,
// ACROSS DOWN PICTURES SPAN WIDTH STAGED SLICE (divides OC4) LOADS as forward.
// Dispatch: ⌈N / PICTURES⌉·TILES_Y·TILES_X × IC4 / QV workgroups; partial: tiles × IC4 × (Σ g, Σ g·(x − μ)).
//#section conv2d_tile_grad_input
//#include load_dy
//#include conv2d_weight
//#include conv2d_grad_outputs
//#include tile

@compute @workgroup_size(64)
fn conv2d_tile_grad_input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = tile_at(i32(group.x));
  let block = block_at(i32(lane));
  let n = first.x + block.x;
  let ry = first.y + block.y;
  let rx = first.z + block.z;
  let parity_y = 0;
  let parity_x = 0;
  let used = block.x < PICTURES && n < N;
  let q = i32(group.y) * QV;

  let corner = vec3i(first.x, first.y + PAD_TOP - (KH - 1) * DILATION_Y, first.z + FIRST);
  let own = i32(lane) % SLICE;
  let own_pixel = i32(lane) / SLICE;
  //#for k in 0..LOADS
  let from_${k} = staged_from(own_pixel + ${k * 64 / SLICE}, corner, vec3i(N, OH, OW));
  //#end
  //#for p in 0..PX
  //#for v in 0..QV
  var dx_0_${p}_${v} = vec4f();
  //#end
  //#end

  let block_start = (block.x * SPAN + block.y) * WIDTH + block.z;
  for (var slice = 0; slice < OC4; slice += SLICE) {
    let channels = dy_channels(slice + own);
    //#for k in 0..LOADS
    let staged_${k} = select(vec4f(), load_dy(max(from_${k}, 0) * OC4 + slice + own, channels), from_${k} >= 0);
    //#end
    workgroupBarrier();
    //#include tile_stage
    workgroupBarrier();
    for (var s = 0; s < SLICE; s++) {
      let o = slice + s;
      for (var kh = 0; kh < KH; kh++) {
        let at = s * STAGED + block_start + (KH - 1 - kh) * DILATION_Y * WIDTH;
        //#for c in 0..COLUMNS
        let dy_${c} = tile[at + ${c}];
        //#end
        //#for y in 0..1
        //#for px in 0..1
        //#include conv2d_grad_taps
        //#end
        //#end
      }
    }
  }
  //#include conv2d_grad_store
}

// -------------------------------------------------------------------------------- gradient of the weight
// A workgroup sums one row of the kernel for IB vec4s of input channels × OB of output channels, over tiles of DOWN rows × RUN
// columns of y. It stages dy there, and x under that row of the kernel, both taken through their views. An invocation takes one
// of these pairs of vec4s (KW taps × 4 × 4 channels) and every STRANDS-th strip of four pixels; at the end the strands of a
// pair are added up in order. Neighbours load neighbouring channels, and read them from the tile, where channels are innermost.
// Constants: as `conv2d_grad_weight` (KROWS = QV = 1, PX = 4), IB, OB, STRANDS = 64 / (IB·OB), RUN (a multiple of 4), DOWN,
// TILES_X = ⌈OW / RUN⌉, TILES_Y = ⌈OH / DOWN⌉, TILES = N·TILES_Y·TILES_X, TILES_PER_SPLIT,
// WIDTH = (RUN − 1)·STRIDE_X + (KW − 1)·DILATION_X + 1, X_STAGED = DOWN·WIDTH·IB, DY_STAGED = DOWN·RUN·OB, X_LOADS and
// DY_LOADS: these / 64, rounded up; STAGED: their sum, or the 256 vec4s that are added up at a time.
// Workgroup memory: 16·STAGED bytes (11 KiB at most).
// Dispatch: SPLITS × KH·OC4 / OB × IC4 / IB workgroups; partial: SPLITS × KH,KW,IC,OC4.
//#section conv2d_tile_grad_weight
//#include load_x
//#include load_dy
@group(0) @binding(next) var<storage, read_write> partial: array<vec4f>;
var<workgroup> tile: array<vec4f, ${STAGED}>;

@compute @workgroup_size(64)
fn conv2d_tile_grad_weight(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let lane = i32(index);
  let kh = i32(group.y) / (OC4 / OB);
  let first_q = i32(group.y) % (OC4 / OB) * OB;
  let first_i = i32(group.z) * IB;

  let staged_i = first_i + lane % IB;
  let staged_q = first_q + lane % OB;
  let x_i = x_channels(staged_i);
  let dy_q = dy_channels(staged_q);
  //#for k in 0..X_LOADS
  let x_pixel_${k} = ${k * 64 / IB} + lane / IB;
  let x_place_${k} = vec2i(x_pixel_${k} / WIDTH * STRIDE_Y, x_pixel_${k} % WIDTH);
  //#end
  //#for k in 0..DY_LOADS
  let dy_pixel_${k} = ${k * 64 / OB} + lane / OB;
  let dy_place_${k} = vec2i(dy_pixel_${k} / RUN, dy_pixel_${k} % RUN);
  //#end

  let ob = lane % OB;
  let ib = lane / OB % IB;
  let strand = lane / (OB * IB);
  //#for kw in 0..KW
  var dw_0_${kw}_0 = mat4x4f();
  //#end

  let split = i32(group.x);
  let last = min((split + 1) * TILES_PER_SPLIT, TILES);
  for (var t = split * TILES_PER_SPLIT; t < last; t++) {
    let n = t / (TILES_X * TILES_Y);
    let first = vec2i(t / TILES_X % TILES_Y * DOWN, t % TILES_X * RUN);
    let corner = first * vec2i(STRIDE_Y, STRIDE_X) + vec2i(kh * DILATION_Y - PAD_TOP, -PAD_LEFT);
    //#for k in 0..X_LOADS
    let x_at_${k} = corner + x_place_${k};
    let x_inside_${k} = all(x_at_${k} >= vec2i()) && all(x_at_${k} < vec2i(H, W));
    let x_pixel_at_${k} = select(0, (n * H + x_at_${k}.x) * W + x_at_${k}.y, x_inside_${k});
    let x_staged_${k} = select(vec4f(), load_x(x_pixel_at_${k} * IC4 + staged_i, x_i), x_inside_${k});
    //#end
    //#for k in 0..DY_LOADS
    let dy_at_${k} = first + dy_place_${k};
    let dy_inside_${k} = all(dy_at_${k} < vec2i(OH, OW));
    let dy_pixel_at_${k} = select(0, (n * OH + dy_at_${k}.x) * OW + dy_at_${k}.y, dy_inside_${k});
    let dy_staged_${k} = select(vec4f(), load_dy(dy_pixel_at_${k} * OC4 + staged_q, dy_q), dy_inside_${k});
    //#end
    workgroupBarrier();
    //#for k in 0..X_LOADS
    //#if (k + 1) * 64 > X_STAGED
    if (lane + ${k * 64} < X_STAGED) {
    //#else
    {
    //#end
      tile[lane + ${k * 64}] = x_staged_${k};
    }
    //#end
    //#for k in 0..DY_LOADS
    //#if (k + 1) * 64 > DY_STAGED
    if (lane + ${k * 64} < DY_STAGED) {
    //#else
    {
    //#end
      tile[X_STAGED + lane + ${k * 64}] = dy_staged_${k};
    }
    //#end
    workgroupBarrier();
    for (var strip = strand; strip < DOWN * RUN / 4; strip += STRANDS) {
      let row = strip / (RUN / 4);
      let column = strip % (RUN / 4) * 4;
      let dy_at = X_STAGED + (row * RUN + column) * OB + ob;
      //#for p in 0..4
      let dy_${p}_0 = tile[dy_at + ${p} * OB];
      //#end
      let x_at = (row * WIDTH + column * STRIDE_X) * IB + ib;
      //#for c in 0..COLUMNS
      let x_${c} = tile[x_at + ${c} * IB];
      //#end
      //#for r in 0..1
      //#include conv2d_grad_weight_taps
      //#end
    }
  }
  //#for kw in 0..KW
  workgroupBarrier();
  //#for c in 0..4
  tile[${c * 64} + lane] = dw_0_${kw}_0[${c}];
  //#end
  workgroupBarrier();
  for (var cell = lane; cell < IB * OB * 4; cell += 64) {
    let pair = cell % (IB * OB);
    let c = cell / (IB * OB);
    var sum = tile[c * 64 + pair];
    for (var s = 1; s < STRANDS; s++) {
      sum += tile[c * 64 + s * IB * OB + pair];
    }
    let row = ((split * KH + kh) * KW + ${kw}) * IC4 * 4 + (first_i + pair / OB) * 4 + c;
    partial[row * OC4 + first_q + pair % OB] = sum;
  }
  //#end
}
