// Writes a view (see `View` in src/ops/tensor.ts), where somebody needs it in memory:
//
//   y = (x − centre)·slope + offset  (+ g·scale)  (+ shortcut),   then ReLU
//
// x, g, shortcut, y: P pixels × C4 vec4s of channels. One invocation writes PX pixels of one vec4 of channels, so that
// the coefficients are loaded once. Constants: P, C4, PX, G, SHORTCUT, RELU.
// Dispatch: ⌈⌈P / PX⌉·C4 / 64⌉ workgroups.
//#section materialize
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
@group(0) @binding(next) var<storage, read> coefficients: array<mat4x4f>;
@group(0) @binding(next) var<storage, read_write> y: array<vec4f>;
//#if G
@group(0) @binding(next) var<storage, read> g: array<vec4f>;
//#end
//#if SHORTCUT
@group(0) @binding(next) var<storage, read> shortcut: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn materialize(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = i32(id.y * groups.x * 64u + id.x);
  let c = index % C4;
  let first = index / C4 * PX;
  let channels = coefficients[c];
  //#for p in 0..PX
  //#if P % PX != 0
  if (first + ${p} < P) {
  //#else
  if (first < P) {
  //#end
    let at = (first + ${p}) * C4 + c;
    var value = (x[at] - channels[0]) * channels[1] + channels[2];
    //#if G
    value += g[at] * channels[3];
    //#end
    //#if SHORTCUT
    value += shortcut[at];
    //#end
    //#if RELU
    value = select(value, vec4f(), value <= vec4f());
    //#end
    y[at] = value;
  }
  //#end
}
