// Sums over the 64 invocations of a workgroup, in fixed order; the first one has the result. See shaders/optimizer.wgsl.
const SCALED = 0x1p-80;

var<workgroup> sums: array<vec2f, 64>;

fn sum_of_lanes(lane: u32, value: vec2f) -> vec2f {
  sums[lane] = value;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  return sums[lane];
}
