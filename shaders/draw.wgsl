// Weights from a normal distribution, drawn where they are used: element e of [O, I] is
//
//   deviation · normal(seed, stream, e),
//
// the same number as `std * normal(seed, stream, e)` of src/random.ts; see shaders/normal.wgsl.
//
// weight: ⌈I/4⌉·4 rows of O4 vec4s, padding zero. One invocation a vec4. Constants: SIZE4 (vec4s), O, O4, I.
//#section draw
//#include normal

struct Draw {
  seed: u32,
  stream: u32,
  deviation: f32,
}

@group(0) @binding(0) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(1) var<uniform> draw_of: Draw;

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
      drawn[lane] = draw_of.deviation * normal(draw_of.seed, draw_of.stream, u32((o + lane) * I + i));
    }
  }
  weight[v] = drawn;
}
