// Dropout (Srivastava et al. 2014). The mask is 0 with probability P and 1 otherwise:
//
//   ACTIVE:      y = x · mask · SCALE    (SCALE = 1 / (1 − P) inverted, 1 vanilla)
//   otherwise:   y = x · SCALE           (SCALE = 1 inverted, 1 − P vanilla)
//
// so that E[y] is the same in both. The mask is drawn from the key (seed, iteration, STREAM, element): the backward
// pass draws the same mask again, and applies it to dy. PER_CHANNEL: one draw for a channel of a picture. GIVEN:
// the mask is an input, shaped like x, or [N, C] if PER_CHANNEL.
//
// A draw has 24 bits; an element is kept from KEPT_FROM = ⌈P·2²⁴⌉ on.
// x, y: N,HW,C4. Constants: N HW C4, KEPT_FROM, SCALE, STREAM, ACTIVE, PER_CHANNEL, GIVEN, ADDEND (added to y).
// Dispatch: ⌈N·HW·C4 / 64⌉ workgroups on x and y, one invocation a vec4.
//#section dropout
//#include step
//#include random
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> step: Step;
//#if GIVEN
@group(0) @binding(3) var<storage, read> mask: array<vec4f>;
//#end
//#if ADDEND
@group(0) @binding(${3 + GIVEN}) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn dropout(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * HW * C4) {
    return;
  }
  var value = x[v] * SCALE;
  //#if ACTIVE
  //#if PER_CHANNEL
  let element = v / (HW * C4) * C4 + v % C4;
  //#else
  let element = v;
  //#end
  //#if GIVEN
  value *= mask[element];
  //#else
  let draw = random4(step.seed, step.iteration, STREAM, u32(element)) >> vec4u(8u);
  value = select(vec4f(), value, draw >= vec4u(KEPT_FROM));
  //#end
  //#end
  //#if ADDEND
  y[v] = value + addend[v];
  //#else
  y[v] = value;
  //#end
}
