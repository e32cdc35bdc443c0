// Gathers a batch from pictures that lie on the GPU as bytes, augments it and normalizes it:
//
//   y[n,h,w,c] = (byte(picture[n], c, h', w') / 255 − mean_c) / std_c
//
// Augmentation as in He et al. 2015, section 4.2: pad by `pad` zeros on each side, crop back at a random
// offset, mirror left-right with probability one half. The padding is zero after normalization, i.e. the
// mean colour. Offsets and mirroring depend on (seed, iteration, n) alone: networks that train side by side
// see the same pictures.
//
// Constants: N, C, H, W, C4, AUGMENT.
// pictures: N×C×H×W bytes, four a word; picture_labels: a byte each, four a word; indices: N pictures;
// channel_statistics: for each vec4 of channels mean and 1/std.
// Dispatch: ⌈N·H·W·C4 / 64⌉ workgroups, one invocation a vec4 of y.
//#section gather
//#include step
//#include random
@group(0) @binding(0) var<storage, read> pictures: array<u32>;
@group(0) @binding(1) var<storage, read> picture_labels: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read> channel_statistics: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> labels: array<u32>;
@group(0) @binding(6) var<uniform> step: Step;

const AUGMENT_STREAM = 1u;

fn byte_of(word: u32, index: u32) -> u32 {
  return (word >> (index % 4u * 8u)) & 255u;
}

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3u) {
  let v = i32(id.x);
  if (v >= N * H * W * C4) {
    return;
  }
  let quad = v % C4;
  var w = v / C4 % W;
  var h = v / (C4 * W) % H;
  let n = v / (C4 * W * H);
  let picture = indices[n];
  if (quad == 0 && w == 0 && h == 0) {
    labels[n] = byte_of(picture_labels[picture / 4u], picture);
  }
  //#if AUGMENT
  let draw = random4(step.seed, step.iteration, AUGMENT_STREAM, u32(n));
  if (step.flip == 1u && (draw.x >> 31u) == 1u) {
    w = W - 1 - w;
  }
  let reach = 2u * step.pad + 1u;
  h += i32(draw.y % reach) - i32(step.pad);
  w += i32(draw.z % reach) - i32(step.pad);
  //#end
  let inside = h >= 0 && h < H && w >= 0 && w < W;
  let mean = channel_statistics[quad * 2];
  let inverse = channel_statistics[quad * 2 + 1];
  var value = vec4f();
  if (inside) {
    for (var lane = 0; lane < min(4, C - quad * 4); lane++) {
      let at = ((picture * u32(C) + u32(quad * 4 + lane)) * u32(H) + u32(h)) * u32(W) + u32(w);
      value[lane] = (f32(byte_of(pictures[at / 4u], at)) / 255.0 - mean[lane]) * inverse[lane];
    }
  }
  y[v] = value;
}
