// Standard normal numbers by key, as `normal` of src/random.ts (Box & Muller 1958):
//
//   √(−2 ln u) · cos(2π v),   u = (a + 1) / 2³², v = b / 2³², (a, b, …) = PCG4D(seed, stream, element, 1)
//
// WGSL promises no more than three digits of cos; so the angle is first brought, in whole numbers, into an eighth of a turn about
// a quarter, and there Taylor's series are exact to float32.
//#include random

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

fn normal(seed: u32, stream: u32, element: u32) -> f32 {
  let words = random4(seed, stream, element, 1u);
  let u = (f32(words.x) + 1.0) * 2.3283064365386963e-10;
  return sqrt(max(0.0, -2.0 * log(u))) * cos_turn(words.y);
}
