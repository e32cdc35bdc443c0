// The parameter-free shortcut of He et al. 2015 (section 3.3, option A) where sizes change: every S-th
// pixel of x, with zeros for the new channels.
//
//   y[n,oy,ox,c] = x[n, oy·S, ox·S, c − FIRST]  for FIRST ≤ c < FIRST + C, else 0
//
// x: N,H,W,C4; y: N,OH,OW,OC4. Channels move by FIRST, which need not be a multiple of four, so channels
// are read one by one through `channel`. Constants: N H W C C4, OH OW OC4, STRIDE, FIRST, ADDEND.

// Dispatch: ⌈N·OH·OW·OC4 / 64⌉ workgroups, one invocation a vec4 of y.
//#section shortcut_option_a
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

fn channel(pixel: i32, c: i32) -> f32 {
  let inside = c >= 0 && c < C;
  let safe = select(0, c, inside);
  return select(0.0, x[pixel * C4 + safe / 4][safe % 4], inside);
}

@compute @workgroup_size(64)
fn shortcut_option_a(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * OH * OW * OC4) {
    return;
  }
  let c = v % OC4 * 4 - FIRST;
  let ox = v / OC4 % OW;
  let oy = v / (OC4 * OW) % OH;
  let n = v / (OC4 * OW * OH);
  let pixel = (n * H + oy * STRIDE) * W + ox * STRIDE;
  y[v] = vec4f(channel(pixel, c), channel(pixel, c + 1), channel(pixel, c + 2), channel(pixel, c + 3));
}

// dx is dy where a pixel was taken, else 0. Dispatch: ⌈N·H·W·C4 / 64⌉ workgroups, one invocation a vec4 of dx.
//#section shortcut_option_a_grad
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(2) var<storage, read> addend: array<vec4f>;
//#end

fn channel(pixel: i32, c: i32) -> f32 {
  let safe = min(c, C - 1) + FIRST;
  return select(0.0, dy[pixel * OC4 + safe / 4][safe % 4], c < C);
}

@compute @workgroup_size(64)
fn shortcut_option_a_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * H * W * C4) {
    return;
  }
  let c = v % C4 * 4;
  let ix = v / C4 % W;
  let iy = v / (C4 * W) % H;
  let n = v / (C4 * W * H);
  let pixel = (n * OH + iy / STRIDE) * OW + ix / STRIDE;
  let taken = ix % STRIDE == 0 && iy % STRIDE == 0;
  let value = vec4f(channel(pixel, c), channel(pixel, c + 1), channel(pixel, c + 2), channel(pixel, c + 3));
  let gradient = select(vec4f(), value, taken);
  //#if ADDEND
  dx[v] = gradient + addend[v];
  //#else
  dx[v] = gradient;
  //#end
}
