// Convolution without register blocks, for several groups and for kernels that reach far: output channel o sees only the
// IG input channels of its own group o / OG, where IG = C / groups and OG = O / groups. Depthwise convolution is
// the case IG = 1.
//
//   y[n,o,oy,ox]  = Σ_{j<IG,kh,kw} x[n, (o/OG)·IG + j, oy·S + kh·D − PT, ox·S + kw·D − PL] · weight[o,j,kh,kw]  (+ bias[o])
//   dx[n,i,iy,ix] = Σ_{p<OG,kh,kw} dy[n, (i/IG)·OG + p, oy, ox] · weight[(i/IG)·OG + p, i%IG, kh,kw]
//   dw[o,j,kh,kw] = Σ_{n,oy,ox} x[n, (o/OG)·IG + j, oy·S + kh·D − PT, ox·S + kw·D − PL] · dy[n,o,oy,ox]
//
// Layouts as in conv2d.wgsl: x, dx: N,H,W,IC4; y, dy: N,OH,OW,OC4; weight: KH,KW,IG4·4,OC4.
//
// Mapping: one invocation a vec4 of the result. Little is reused within a small group, so there is no tile. Where OG is a
// multiple of four (or there is one group), four neighbouring output channels share their inputs (SHARED); where
// IG = OG = 1 (DEPTHWISE) their inputs are one vec4; otherwise they are gathered channel by channel.
//
// Krizhevsky et al. 2012 (groups), Chollet 2017 (depthwise).
//
// Constants of all: N H W C IC4, OH OW O OC4, IG OG IG4, SHARED DEPTHWISE, KH KW, STRIDE_Y STRIDE_X, PAD_TOP PAD_LEFT,
// DILATION_Y DILATION_X.

// BIAS: y starts at the bias. Dispatch: ⌈N·OH·OW·OC4 / 64⌉ workgroups.
//#section conv2d_direct
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
//#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn conv2d_direct(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * OH * OW * OC4) {
    return;
  }
  let q = v % OC4;
  let ox = v / OC4 % OW;
  let oy = v / (OC4 * OW) % OH;
  let n = v / (OC4 * OW * OH);
  // First input channel of the group of each of the four output channels.
  let first = min(vec4i(q * 4) + vec4i(0, 1, 2, 3), vec4i(O - 1)) / OG * IG;
  //#if BIAS
  var sum = bias[q];
  //#else
  var sum = vec4f();
  //#end
  for (var kh = 0; kh < KH; kh++) {
    let iy = oy * STRIDE_Y - PAD_TOP + kh * DILATION_Y;
    if (iy < 0 || iy >= H) {
      continue;
    }
    for (var kw = 0; kw < KW; kw++) {
      let ix = ox * STRIDE_X - PAD_LEFT + kw * DILATION_X;
      if (ix < 0 || ix >= W) {
        continue;
      }
      let pixel = ((n * H + iy) * W + ix) * IC4;
      let tap = (kh * KW + kw) * IG4 * 4;
      //#if DEPTHWISE
      sum += x[pixel + q] * weight[tap * OC4 + q];
      //#else
      for (var j = 0; j < IG; j++) {
        let c = first + j;
        //#include conv2d_gather
        sum += gathered * weight[(tap + j) * OC4 + q];
      }
      //#end
    }
  }
  y[v] = sum;
}

// ADDEND: dx gets addend added. Dispatch: ⌈N·H·W·IC4 / 64⌉ workgroups.
//#section conv2d_direct_grad_input
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(3) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn conv2d_direct_grad_input(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * H * W * IC4) {
    return;
  }
  let q = v % IC4;
  let ix = v / IC4 % W;
  let iy = v / (IC4 * W) % H;
  let n = v / (IC4 * W * H);
  let channel = vec4i(q * 4) + vec4i(0, 1, 2, 3);
  let safe = min(channel, vec4i(C - 1));
  // First output channel of the group of each of the four input channels, and the place within the group.
  let first = safe / IG * OG;
  let place = safe % IG;
  var sum = vec4f();
  for (var kh = 0; kh < KH; kh++) {
    let reach_y = iy + PAD_TOP - kh * DILATION_Y;
    let oy = reach_y / STRIDE_Y;
    if (reach_y < 0 || reach_y % STRIDE_Y != 0 || oy >= OH) {
      continue;
    }
    for (var kw = 0; kw < KW; kw++) {
      let reach_x = ix + PAD_LEFT - kw * DILATION_X;
      let ox = reach_x / STRIDE_X;
      if (reach_x < 0 || reach_x % STRIDE_X != 0 || ox >= OW) {
        continue;
      }
      let pixel = ((n * OH + oy) * OW + ox) * OC4;
      let tap = (kh * KW + kw) * IG4 * 4;
      //#if DEPTHWISE
      sum += dy[pixel + q] * weight[tap * OC4 + q];
      //#else
      let row = (vec4i(tap) + place) * OC4;
      for (var p = 0; p < OG; p++) {
        let o = first + p;
        //#for lane in 0..4
        sum[${lane}] += dy[pixel + o[${lane}] / 4][o[${lane}] % 4] * weight[row[${lane}] + o[${lane}] / 4][o[${lane}] % 4];
        //#end
      }
      //#end
    }
  }
  let result = select(vec4f(), sum, channel < vec4i(C));
  //#if ADDEND
  dx[v] = result + addend[v];
  //#else
  dx[v] = result;
  //#end
}

// One invocation sums one tap × one input channel of the group × a vec4 of output channels over
// PIXELS_PER_SPLIT output pixels; `sum_partials` adds the splits in fixed order.
// Dispatch: ⌈SPLITS·KH·KW·IG4·4·OC4 / 64⌉ workgroups; partial: SPLITS × KH,KW,IG4·4,OC4.
//#section conv2d_direct_grad_weight
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;

@compute @workgroup_size(64)
fn conv2d_direct_grad_weight(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let cell = i32(id.y * groups.x * 64u + id.x);
  if (cell >= SPLITS * KH * KW * IG4 * 4 * OC4) {
    return;
  }
  let q = cell % OC4;
  let j = cell / OC4 % (IG4 * 4);
  let kw = cell / (OC4 * IG4 * 4) % KW;
  let kh = cell / (OC4 * IG4 * 4 * KW) % KH;
  let split = cell / (OC4 * IG4 * 4 * KW * KH);
  let c = min(vec4i(q * 4) + vec4i(0, 1, 2, 3), vec4i(O - 1)) / OG * IG + j;
  var sum = vec4f();
  let begin = split * PIXELS_PER_SPLIT;
  // Rows that pad the group to a multiple of four have nothing to sum.
  let end = select(begin, min(begin + PIXELS_PER_SPLIT, N * OH * OW), j < IG);
  for (var p = begin; p < end; p++) {
    let iy = p / OW % OH * STRIDE_Y - PAD_TOP + kh * DILATION_Y;
    let ix = p % OW * STRIDE_X - PAD_LEFT + kw * DILATION_X;
    if (iy < 0 || iy >= H || ix < 0 || ix >= W) {
      continue;
    }
    let pixel = ((p / (OW * OH) * H + iy) * W + ix) * IC4;
    //#if DEPTHWISE
    sum += x[pixel + q] * dy[p * OC4 + q];
    //#else
    //#include conv2d_gather
    sum += gathered * dy[p * OC4 + q];
    //#end
  }
  partial[cell] = sum;
}
