// A batch of training pictures, in two passes: `gather` takes pictures that lie on the GPU as bytes and
// normalizes them, `augment` pads, crops and mirrors (in training only).

// ------------------------------------------------------------------------------------------------ gather
//
//   y[n,h,w,c] = (byte(picture[n], c, h, w) / 255 − mean_c) / std_c
//
// pictures: pictures × C×H×W bytes, four a word; picture_labels: a byte each, four a word; indices: N pictures;
// channel_statistics: for each vec4 of channels mean and 1/std. Constants: N, C, H, W, C4.
// Dispatch: ⌈N·H·W·C4 / 64⌉ workgroups, one invocation a vec4 of y.
//#section gather
@group(0) @binding(0) var<storage, read> pictures: array<u32>;
@group(0) @binding(1) var<storage, read> picture_labels: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read> channel_statistics: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> labels: array<u32>;

fn byte_of(word: u32, index: u32) -> u32 {
  return (word >> (index % 4u * 8u)) & 255u;
}

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * H * W * C4) {
    return;
  }
  let quad = v % C4;
  let pixel = v / C4 % (H * W);
  let n = v / (C4 * W * H);
  let picture = indices[n];
  if (quad == 0 && pixel == 0) {
    labels[n] = byte_of(picture_labels[picture / 4u], picture);
  }
  let mean = channel_statistics[quad * 2];
  let inverse = channel_statistics[quad * 2 + 1];
  var value = vec4f();
  for (var lane = 0; lane < min(4, C - quad * 4); lane++) {
    let at = (picture * u32(C) + u32(quad * 4 + lane)) * u32(H * W) + u32(pixel);
    value[lane] = (f32(byte_of(pictures[at / 4u], at)) / 255.0 - mean[lane]) * inverse[lane];
  }
  y[v] = value;
}

// ----------------------------------------------------------------------------------------------- augment
// The augmentation of He et al. 2015, section 4.2: pad each picture with zeros (after normalization, so with the
// mean colour), cut out a window at a random offset, mirror it left-right with probability one half:
//
//   y[n,i,j,c] = x[n, top_n + i − pad, left_n + j′ − pad, c],   j′ = CW − 1 − j where mirrored, else j
//
// and zero where that lies outside of x. Unless GIVEN, offsets are uniform on 0 … 2·pad and everything depends
// on (seed, iteration, n) alone: networks that train side by side see the same pictures. With pad = 0 and no
// mirroring y = x.
// x: N,H,W,C4; y: N,CH,CW,C4; offsets: (top, left) a picture. Constants: N, H, W, CH, CW, C4, GIVEN.
// Dispatch: ⌈N·CH·CW·C4 / 64⌉ workgroups, one invocation a vec4 of y.
//#section augment
//#include step
//#include random
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> step: Step;
//#if GIVEN
@group(0) @binding(3) var<storage, read> offsets: array<vec2i>;
@group(0) @binding(4) var<storage, read> flips: array<u32>;
//#end

const AUGMENT_STREAM = 1u;

@compute @workgroup_size(64)
fn augment(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * CH * CW * C4) {
    return;
  }
  let quad = v % C4;
  let j = v / C4 % CW;
  let i = v / (C4 * CW) % CH;
  let n = v / (C4 * CW * CH);
  //#if GIVEN
  let offset = offsets[n];
  let mirrored = flips[n] == 1u;
  //#else
  let draw = random4(step.seed, step.iteration, AUGMENT_STREAM, u32(n));
  let offset = vec2i(draw.yz % vec2u(2u * step.pad + 1u));
  let mirrored = step.flip == 1u && (draw.x >> 31u) == 1u;
  //#end
  let row = offset.x + i - i32(step.pad);
  let column = offset.y + select(j, CW - 1 - j, mirrored) - i32(step.pad);
  let inside = row >= 0 && row < H && column >= 0 && column < W;
  let at = ((n * H + clamp(row, 0, H - 1)) * W + clamp(column, 0, W - 1)) * C4 + quad;
  y[v] = select(vec4f(), x[at], inside);
}
