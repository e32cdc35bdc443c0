// A batch of training pictures, in two passes: `gather` takes pictures that lie on the GPU as bytes and
// normalizes them, `augment` pads, crops and mirrors (in training only).

// ------------------------------------------------------------------------------------------------ gather
//
//   y[n,h,w,c] = (byte(picture[n], c, h, w) / 255 − mean_c) / std_c
//
// pictures: pictures × C×H×W bytes, four a word; picture_labels: a byte each, four a word; indices: N pictures;
// channel_statistics: for each vec4 of channels mean and 1/std. A SHARDED set lies in several buffers, each with a
// dispatch of its own: `pictures` are then those from FIRST on, COUNT of them, and what is not among them stays as it is.
// Constants: N, C, H, W, C4, SHARDED.
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
  //#if SHARDED
  let place = picture - FIRST;
  if (place >= COUNT) {
    return;
  }
  //#else
  let place = picture;
  //#end
  if (quad == 0 && pixel == 0) {
    labels[n] = byte_of(picture_labels[picture / 4u], picture);
  }
  let mean = channel_statistics[quad * 2];
  let inverse = channel_statistics[quad * 2 + 1];
  var value = vec4f();
  for (var lane = 0; lane < min(4, C - quad * 4); lane++) {
    let at = (place * u32(C) + u32(quad * 4 + lane)) * u32(H * W) + u32(pixel);
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

// ------------------------------------------------------------------------------------------- resize_crop
// Resize and crop (He et al. 2015 on ImageNet, after Krizhevsky et al. 2012): the picture is resized so that its short
// side is L, bilinearly, pixel centres at halves, and a window of the picture's own size is cut out. Only the window is
// computed:
//
//   y[n,i,j] = x[n, v, u],   v = (top + i + ½)·H / H′ − ½,   u = (left + j′ + ½)·W / W′ − ½,   H′ = ⌊H·L/S + ½⌋,
//
// S = min(H, W) ≤ L, j′ as in `augment`. Unless GIVEN, L is uniform on LOW … HIGH, top on 0 … H′ − H, left on
// 0 … W′ − W, and nothing is mirrored.
// x, y: N,H,W,C4; choices: (L, top, left, 1 to mirror) a picture. Constants: N, H, W, C4, LOW, HIGH, GIVEN.
// Dispatch: ⌈N·H·W·C4 / 64⌉ workgroups, one invocation a vec4 of y.
//#section resize_crop
//#include step
//#include random
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> y: array<vec4f>;
//#if GIVEN
@group(0) @binding(next) var<storage, read> choices: array<vec4i>;
//#else
@group(0) @binding(next) var<uniform> step: Step;
//#end

const RESIZE_STREAM = 2u;

@compute @workgroup_size(64)
fn resize_crop(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * H * W * C4) {
    return;
  }
  let quad = v % C4;
  let j = v / C4 % W;
  let i = v / (C4 * W) % H;
  let n = v / (C4 * W * H);
  let sides = vec2i(H, W);
  let short_side = min(H, W);
  //#if GIVEN
  let choice = choices[n];
  let resized = (2 * sides * choice.x + short_side) / (2 * short_side);
  //#else
  let draw = random4(step.seed, step.iteration, RESIZE_STREAM, u32(n));
  let long = LOW + i32(draw.x % u32(HIGH - LOW + 1));
  let resized = (2 * sides * long + short_side) / (2 * short_side);
  let choice = vec4i(long, vec2i(draw.yz % vec2u(resized - sides + 1)), 0);
  //#end
  let place = choice.yz + vec2i(i, select(j, W - 1 - j, choice.w == 1));
  let at = clamp(
    (vec2f(place) + 0.5) * vec2f(sides) / vec2f(resized) - 0.5,
    vec2f(),
    vec2f(sides - 1),
  );
  let low = vec2i(at);
  let high = min(low + 1, sides - 1);
  let part = at - vec2f(low);
  let above = mix(x[((n * H + low.x) * W + low.y) * C4 + quad], x[((n * H + low.x) * W + high.y) * C4 + quad], part.y);
  let below = mix(x[((n * H + high.x) * W + low.y) * C4 + quad], x[((n * H + high.x) * W + high.y) * C4 + quad], part.y);
  y[v] = mix(above, below, part.x);
}

// ------------------------------------------------------------------------------------------------ colour
// Colour jitter, on colours in 0…1: p = x·std + mean, then in this order, each clamped to 0…1,
//
//   brightness  p ← b·p        contrast  p ← m + c·(p − m), m the picture's mean grey        saturation  p ← g + s·(p − g)
//
// where g is the pixel's grey (0.299 R + 0.587 G + 0.114 B; of other than three channels their mean), and back to
// y = (p − mean)/std. The factors of a picture are uniform on 1 ± BRIGHTNESS, 1 ± CONTRAST, 1 ± SATURATION.
// x, y: N,H,W,C4; channel_statistics as in `gather`. Constants: N, C, H, W, C4 and the three ranges.
// Dispatch: N workgroups, one a picture.
//#section colour
//#include step
//#include random
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> channel_statistics: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> step: Step;

const COLOUR_STREAM = 3u;
var<workgroup> greys: array<f32, 64>;

fn brightened(at: i32, quad: i32, factor: f32) -> vec4f {
  let inverse = channel_statistics[quad * 2 + 1];
  let deviation = select(1.0 / inverse, vec4f(), inverse == vec4f());
  return saturate((x[at] * deviation + channel_statistics[quad * 2]) * factor);
}

// What each channel of a quad counts in a pixel's grey.
fn grey_weights(quad: i32) -> vec4f {
  if (C == 3) {
    return vec4f(0.299, 0.587, 0.114, 0.0);
  }
  return select(vec4f(), vec4f(1.0 / f32(C)), vec4i(0, 1, 2, 3) + 4 * quad < vec4i(C));
}

@compute @workgroup_size(64)
fn colour(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = i32(group.y * groups.x + group.x);
  if (n >= N) {
    return;
  }
  let draw = random4(step.seed, step.iteration, COLOUR_STREAM, u32(n));
  let range = vec3f(${BRIGHTNESS}, ${CONTRAST}, ${SATURATION});
  let factor = 1.0 + range * (vec3f(draw.xyz >> vec3u(8u)) / 8388608.0 - 1.0);
  var sum = 0.0;
  for (var pixel = i32(lane); pixel < H * W; pixel += 64) {
    for (var quad = 0; quad < C4; quad++) {
      sum += dot(grey_weights(quad), brightened((n * H * W + pixel) * C4 + quad, quad, factor.x));
    }
  }
  greys[lane] = sum;
  for (var width = 32u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) {
      greys[lane] += greys[lane + width];
    }
  }
  workgroupBarrier();
  let mean_grey = greys[0] / f32(H * W);
  for (var pixel = i32(lane); pixel < H * W; pixel += 64) {
    var grey = 0.0;
    for (var quad = 0; quad < C4; quad++) {
      let bright = brightened((n * H * W + pixel) * C4 + quad, quad, factor.x);
      grey += dot(grey_weights(quad), saturate(mean_grey + factor.y * (bright - mean_grey)));
    }
    for (var quad = 0; quad < C4; quad++) {
      let at = (n * H * W + pixel) * C4 + quad;
      let bright = brightened(at, quad, factor.x);
      let contrasted = saturate(mean_grey + factor.y * (bright - mean_grey));
      let colour = saturate(grey + factor.z * (contrasted - grey));
      y[at] = (colour - channel_statistics[quad * 2]) * channel_statistics[quad * 2 + 1];
    }
  }
}

// ------------------------------------------------------------------------------------------------ cutout
// Cutout (DeVries & Taylor 2017): a square of SIDE pixels around a pixel drawn uniformly is set to zero, the mean
// colour; where it reaches over the border it is cut off.
// x, y: N,H,W,C4. Constants: N, H, W, C4, SIDE. Dispatch: ⌈N·H·W·C4 / 64⌉ workgroups, one invocation a vec4 of y.
//#section cutout
//#include step
//#include random
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> step: Step;

const CUTOUT_STREAM = 4u;

@compute @workgroup_size(64)
fn cutout(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * H * W * C4) {
    return;
  }
  let n = v / (C4 * W * H);
  let pixel = vec2i(v / (C4 * W) % H, v / C4 % W);
  let draw = random4(step.seed, step.iteration, CUTOUT_STREAM, u32(n));
  let corner = vec2i(draw.xy % vec2u(vec2i(H, W))) - SIDE / 2;
  let cut = all(pixel >= corner) && all(pixel < corner + SIDE);
  y[v] = select(x[v], vec4f(), cut);
}
