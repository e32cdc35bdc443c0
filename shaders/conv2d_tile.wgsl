// The convolution and the data gradient of shaders/conv2d.wgsl for GPUs: a workgroup loads the pixels that its invocations share
// once, in place of once for each of them and for each row of the kernel.
//
// Mapping: implicit GEMM. A workgroup computes a tile of pixels (shaders/tile.wgsl) × QV vec4s of channels, an invocation one
// of its blocks of PX neighbouring pixels. SLICE vec4s of channels of the pixels under the tile, with their halo and with
// zeros for padding, are staged in workgroup memory; a view (norm, ReLU) is computed on the way there. All taps read them
// there, then comes the next slice. The next slice is loaded before the workgroup waits for those who still use the last one.
// Invocations load neighbouring vec4s (SLICE of a pixel, then its neighbour's), and compute neighbouring rows: these lie
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
