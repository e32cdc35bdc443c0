// Weights from a normal distribution, drawn where they are used: element e of [O, I] is
//
//   deviation · √(−2 ln u) · cos(2π v),   u = (a + 1) / 2³², v = b / 2³², (a, b, …) = PCG4D(seed, stream, e, 1)
//
// (Box & Muller 1958), the same number as `std * normal(seed, stream, e)` of src/random.ts. WGSL promises no more than three
// digits of cos; so the angle is first brought, in whole numbers, into an eighth of a turn about a quarter, and there Taylor's series are
// exact to float32.
//
// weight: ⌈I/4⌉·4 rows of O4 vec4s, padding zero. One invocation a vec4. Constants: SIZE4 (vec4s), O, O4, I.
//#section draw
//#include random

struct Draw {
  seed: u32,
  stream: u32,
  deviation: f32,
}

@group(0) @binding(0) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(1) var<uniform> draw_of: Draw;

// cos(2π b / 2³²)
fn cos_turn(b: u32) -> f32 {
  let quarter = (b + 0x20000000u) >> 30u;
  let r = f32(bitcast<i32>(b - (quarter << 30u))) * 1.4629180792671596e-9;
  let s = r * r;
  let cosine = 1.0 + s * (-0.5 + s * (1.0 / 24.0 + s * (-1.0 / 720.0 + s * (1.0 / 40320.0))));
  let sine = r * (1.0 + s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s * (1.0 / 362880.0)))));
  let even = select(cosine, -cosine, quarter == 2u);
  let odd = select(sine, -sine, quarter == 1u);
  return select(even, odd, (quarter & 1u) == 1u);
}

fn normal(element: u32) -> f32 {
  let words = random4(draw_of.seed, draw_of.stream, element, 1u);
  let u = (f32(words.x) + 1.0) * 2.3283064365386963e-10;
  return sqrt(max(0.0, -2.0 * log(u))) * cos_turn(words.y);
}

@compute @workgroup_size(64)
fn draw(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= SIZE4) {
    return;
  }
  let i = v / O4;
  let o = 4 * (v % O4);
  var drawn = vec4f();
  for (var lane = 0; lane < 4; lane++) {
    if (i < I && o + lane < O) {
      drawn[lane] = draw_of.deviation * normal(u32((o + lane) * I + i));
    }
  }
  weight[v] = drawn;
}
