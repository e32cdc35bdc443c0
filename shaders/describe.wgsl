// What a tensor is like, in a few numbers: mean, deviation, norm, range, zeros, and a histogram.
//
//   mean = Σ x / COUNT,  deviation = √(Σ (x − mean)² / COUNT),  norm = √(Σ x²)
//
// Squares are taken of x / max|x|, so that no gradient is too large or too small for its square. Two passes over x: the
// first finds sum and range, the second squares and histogram. Where SUBTRACT is set, x stands for x − base; where
// SCALED is set, for x divided by the loss scale.
//
// x: V vec4s. vec4 v holds lanes 4·(v mod Q) … of C, of which the rest is padding; where kernels are meant, its input
// channel is (v / Q) mod I4 of I. Where CHANNELS is set, it also counts the channels that are zero everywhere: units that
// are dead for this batch. Constants: V Q C I I4 COUNT SUBTRACT SCALED CHANNELS. One workgroup. out: see `readDescription`.
//#section describe
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
@group(0) @binding(next) var<storage, read_write> out: array<f32>;
//#if SUBTRACT
@group(0) @binding(next) var<storage, read> base: array<vec4f>;
//#end
//#if SCALED
@group(0) @binding(next) var<storage, read> loss_scale: array<f32>;
//#end

const LANES = 256;
const BINS = 48;

var<workgroup> first: array<f32, LANES>;
var<workgroup> second: array<f32, LANES>;
var<workgroup> third: array<f32, LANES>;
var<workgroup> zeros: atomic<u32>;
var<workgroup> unreal: atomic<u32>;
var<workgroup> bins: array<atomic<u32>, BINS>;
//#if CHANNELS
// Bit i of word q: channel 4·q + i is not zero somewhere.
var<workgroup> alive: array<atomic<u32>, Q>;
var<workgroup> living: atomic<u32>;
//#end

fn load(v: i32) -> vec4f {
  //#if SUBTRACT
  return x[v] - base[v];
  //#else
  //#if SCALED
  return x[v] / loss_scale[0];
  //#else
  return x[v];
  //#end
  //#end
}

// How many lanes of vec4 v are elements, and not padding.
fn valid(v: i32) -> i32 {
  return select(0, min(4, C - 4 * (v % Q)), (v / Q) % I4 < I);
}

fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(LANES)
fn describe(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  var low = 3.4e38;
  var high = -3.4e38;
  var zero = 0u;
  var odd = 0u;
  for (var v = i32(lane); v < V; v += LANES) {
    let value = load(v);
    //#if CHANNELS
    let bits = dot(select(vec4u(), vec4u(1, 2, 4, 8), value != vec4f()), vec4u(1));
    if ((bits & ~atomicLoad(&alive[v % Q])) != 0u) {
      atomicOr(&alive[v % Q], bits);
    }
    //#end
    for (var i = 0; i < valid(v); i++) {
      let e = value[i];
      sum += e;
      zero += select(0u, 1u, e == 0.0);
      if (finite(e)) {
        low = min(low, e);
        high = max(high, e);
      } else {
        odd++;
      }
    }
  }
  atomicAdd(&zeros, zero);
  atomicAdd(&unreal, odd);
  first[lane] = sum;
  second[lane] = low;
  third[lane] = high;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      first[lane] += first[lane + half];
      second[lane] = min(second[lane], second[lane + half]);
      third[lane] = max(third[lane], third[lane + half]);
    }
  }
  workgroupBarrier();
  let mean = first[0] / f32(COUNT);
  low = second[0];
  high = third[0];
  let scale = max(max(abs(low), abs(high)), 1.2e-38);
  let span = (high - low) / scale;
  workgroupBarrier();

  var squares = 0.0;
  var spread = 0.0;
  for (var v = i32(lane); v < V; v += LANES) {
    let value = load(v);
    for (var i = 0; i < valid(v); i++) {
      let e = value[i] / scale;
      let d = e - mean / scale;
      squares += e * e;
      spread += d * d;
      if (finite(value[i])) {
        let position = select(0.5, (e - low / scale) / span, span > 0.0);
        atomicAdd(&bins[clamp(i32(position * f32(BINS)), 0, BINS - 1)], 1u);
      }
    }
  }
  first[lane] = squares;
  second[lane] = spread;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      first[lane] += first[lane + half];
      second[lane] += second[lane + half];
    }
  }
  workgroupBarrier();
  //#if CHANNELS
  for (var q = i32(lane); q < Q; q += LANES) {
    atomicAdd(&living, countOneBits(atomicLoad(&alive[q])));
  }
  workgroupBarrier();
  //#end
  if (lane == 0u) {
    out[0] = mean;
    out[1] = scale * sqrt(second[0] / f32(COUNT));
    out[2] = scale * sqrt(first[0]);
    out[3] = low;
    out[4] = high;
    out[5] = f32(atomicLoad(&zeros));
    out[6] = f32(atomicLoad(&unreal));
    //#if CHANNELS
    out[7] = f32(C) - f32(atomicLoad(&living));
    //#else
    out[7] = -1.0;
    //#end
  }
  if (lane < u32(BINS)) {
    out[8u + lane] = f32(atomicLoad(&bins[lane]));
  }
}
