// A random direction in the space of one weight, filter by filter as long as the weight is there (Li et al. 2018, section 4):
//
//   d_o ← ‖w_o‖ / (‖d_o‖ + 10⁻¹⁰) · d_o,   element e of d (in the order O, I, KH, KW) = normal(seed, stream, e)
//
// weight, direction: K·I4 rows of O4 vec4s, K = KH·KW taps, I4 inputs with padding; padding is zero. One workgroup for every four
// filters; lane l takes rows l, l + 64 … Constants: ROWS, O, O4, I, I4, K.
//#section direction
//#include normal

struct Draw {
  seed: u32,
  stream: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> direction_of: array<vec4f>;
@group(0) @binding(2) var<uniform> draw_of: Draw;

const LANES = 64;

var<workgroup> weight_squares: array<vec4f, LANES>;
var<workgroup> drawn_squares: array<vec4f, LANES>;

@compute @workgroup_size(LANES)
fn direction(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let o = 4 * i32(group.x);
  var ww = vec4f();
  var dd = vec4f();
  for (var row = i32(lane); row < ROWS; row += LANES) {
    let tap = row / I4;
    let i = row % I4;
    var drawn = vec4f();
    for (var k = 0; k < 4; k++) {
      if (i < I && o + k < O) {
        drawn[k] = normal(draw_of.seed, draw_of.stream, u32(((o + k) * I + i) * K + tap));
      }
    }
    let v = row * O4 + i32(group.x);
    direction_of[v] = drawn;
    ww += weight[v] * weight[v];
    dd += drawn * drawn;
  }
  weight_squares[lane] = ww;
  drawn_squares[lane] = dd;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      weight_squares[lane] += weight_squares[lane + half];
      drawn_squares[lane] += drawn_squares[lane + half];
    }
  }
  workgroupBarrier();
  let scale = sqrt(weight_squares[0]) / (sqrt(drawn_squares[0]) + 1e-10);
  for (var row = i32(lane); row < ROWS; row += LANES) {
    direction_of[row * O4 + i32(group.x)] *= scale;
  }
}
