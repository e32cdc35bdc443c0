// Sums in a fixed order, so that a result never depends on how work was scheduled.

// out[v] = Σ_s partial[s, v].  Constants: SPLITS, SIZE4 (vec4s in out). One invocation a vec4.
// Dispatch: ⌈SIZE4 / 64⌉ workgroups.
//#section sum_partials
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn sum_partials(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= SIZE4) {
    return;
  }
  var sum = vec4f();
  for (var s = 0; s < SPLITS; s++) {
    sum += partial[s * SIZE4 + v];
  }
  out[v] = sum;
}

// out[c] = Σ over all pixels of x[pixel, c].  Constants: PIXELS, C4. One workgroup a vec4 of channels.
// Dispatch: C4 workgroups.
//#section channel_sum
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

var<workgroup> sums: array<vec4f, 64>;

@compute @workgroup_size(64)
fn channel_sum(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let c = i32(group.x);
  var sum = vec4f();
  for (var p = i32(lane); p < PIXELS; p += 64) {
    sum += x[p * C4 + c];
  }
  sums[lane] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  if (lane == 0u) {
    out[c] = sums[0];
  }
}
