// Pooling: global average, and max and average over windows.

// --------------------------------------------------------------------------------- global average pooling
// Global average pooling (Lin et al. 2013): y[n,c] = 1/(H·W) · Σ_{h,w} x[n,h,w,c], and its gradient dx = dy / (H·W).
// x: N,HW,C4; y: N,C4. Constants: N, HW, C4, ADDEND.

// One invocation a vec4 of y. Dispatch: ⌈N·C4 / 64⌉ workgroups.
//#section global_avg_pool
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn global_avg_pool(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = i32(id.y * groups.x * 64u + id.x);
  let n = index / C4;
  let c = index % C4;
  if (n >= N) {
    return;
  }
  var sum = vec4f();
  for (var p = 0; p < HW; p++) {
    sum += x[(n * HW + p) * C4 + c];
  }
  y[n * C4 + c] = sum / f32(HW);
}

// One invocation a vec4 of dx. Dispatch: ⌈N·HW·C4 / 64⌉ workgroups.
//#section global_avg_pool_grad
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(2) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn global_avg_pool_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * HW * C4) {
    return;
  }
  //#if ADDEND
  dx[v] = dy[v / (HW * C4) * C4 + v % C4] / f32(HW) + addend[v];
  //#else
  dx[v] = dy[v / (HW * C4) * C4 + v % C4] / f32(HW);
  //#end
}

// ---------------------------------------------------------------------------------------- windows: shared
// Window (oy, ox) covers rows oy·STRIDE_Y − PAD_TOP … + KH − 1, columns alike; what lies outside of the image is
// left out. x: N,H,W,C4; y: N,OH,OW,C4. The gradients are written as sums over the windows that cover a pixel
// (no atomics): rows oy from ⌈(iy + PAD_TOP − KH + 1) / STRIDE_Y⌉ to ⌊(iy + PAD_TOP) / STRIDE_Y⌋.
// Constants: N H W C C4, OH OW, KH KW, STRIDE_Y STRIDE_X, PAD_TOP PAD_LEFT.
// Dispatch: one invocation a vec4 of the result, ⌈vec4s / 64⌉ workgroups on x and y.

// Max pooling. `chosen` holds for each channel of y which pixel of the window was the largest (kh·KW + kw): the
// first one in row-major order where several are, as PyTorch.
//#section max_pool2d
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> chosen: array<vec4u>;

@compute @workgroup_size(64)
fn max_pool2d(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * OH * OW * C4) {
    return;
  }
  let c = v % C4;
  let left = v / C4 % OW * STRIDE_X - PAD_LEFT;
  let top = v / (C4 * OW) % OH * STRIDE_Y - PAD_TOP;
  let n = v / (C4 * OW * OH);
  let first_row = max(top, 0);
  let first_column = max(left, 0);
  var largest = x[((n * H + first_row) * W + first_column) * C4 + c];
  var index = vec4u(u32((first_row - top) * KW + first_column - left));
  for (var iy = first_row; iy < min(top + KH, H); iy++) {
    for (var ix = first_column; ix < min(left + KW, W); ix++) {
      let value = x[((n * H + iy) * W + ix) * C4 + c];
      let larger = value > largest;
      largest = select(largest, value, larger);
      index = select(index, vec4u(u32((iy - top) * KW + ix - left)), larger);
    }
  }
  y[v] = largest;
  chosen[v] = select(vec4u(), index, vec4i(c * 4) + vec4i(0, 1, 2, 3) < vec4i(C));
}

// dx = Σ dy over the windows that chose this pixel. Constants: as above, ADDEND.
//#section max_pool2d_grad
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> chosen: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(3) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn max_pool2d_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * H * W * C4) {
    return;
  }
  let c = v % C4;
  let column = v / C4 % W + PAD_LEFT;
  let row = v / (C4 * W) % H + PAD_TOP;
  let n = v / (C4 * W * H);
  //#if ADDEND
  var sum = addend[v];
  //#else
  var sum = vec4f();
  //#end
  for (var oy = max(row - KH + STRIDE_Y, 0) / STRIDE_Y; oy <= min(row / STRIDE_Y, OH - 1); oy++) {
    for (var ox = max(column - KW + STRIDE_X, 0) / STRIDE_X; ox <= min(column / STRIDE_X, OW - 1); ox++) {
      let at = ((n * OH + oy) * OW + ox) * C4 + c;
      let own = u32((row - oy * STRIDE_Y) * KW + column - ox * STRIDE_X);
      sum += select(vec4f(), dy[at], chosen[at] == vec4u(own));
    }
  }
  dx[v] = sum;
}

// Average pooling: y = Σ x / m, where m counts the window's pixels; with COUNT_PADDING those of the padding too,
// but never what ceil_mode adds beyond it. Constants: as above, COUNT_PADDING.
//#section avg_pool2d
//#include pool_window
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn avg_pool2d(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * OH * OW * C4) {
    return;
  }
  let c = v % C4;
  let ox = v / C4 % OW;
  let oy = v / (C4 * OW) % OH;
  let n = v / (C4 * OW * OH);
  let left = ox * STRIDE_X - PAD_LEFT;
  let top = oy * STRIDE_Y - PAD_TOP;
  var sum = vec4f();
  for (var iy = max(top, 0); iy < min(top + KH, H); iy++) {
    for (var ix = max(left, 0); ix < min(left + KW, W); ix++) {
      sum += x[((n * H + iy) * W + ix) * C4 + c];
    }
  }
  y[v] = sum / window_size(oy, ox);
}

// dx = Σ dy / m over the windows that cover this pixel. Constants: as above, COUNT_PADDING, ADDEND.
//#section avg_pool2d_grad
//#include pool_window
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(2) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn avg_pool2d_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * H * W * C4) {
    return;
  }
  let c = v % C4;
  let column = v / C4 % W + PAD_LEFT;
  let row = v / (C4 * W) % H + PAD_TOP;
  let n = v / (C4 * W * H);
  //#if ADDEND
  var sum = addend[v];
  //#else
  var sum = vec4f();
  //#end
  for (var oy = max(row - KH + STRIDE_Y, 0) / STRIDE_Y; oy <= min(row / STRIDE_Y, OH - 1); oy++) {
    for (var ox = max(column - KW + STRIDE_X, 0) / STRIDE_X; ox <= min(column / STRIDE_X, OW - 1); ox++) {
      sum += dy[((n * OH + oy) * OW + ox) * C4 + c] / window_size(oy, ox);
    }
  }
  dx[v] = sum;
}
