// A point in the space of all weights, from three others: y = s.x·a + s.y·b + s.z·c. With shares (1, 0, 0) it is a, bit for bit.
// Constants: SIZE4 (vec4s). One invocation a vec4.
//#section mix_points
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> c: array<vec4f>;
@group(0) @binding(3) var<uniform> share: vec4f;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn mix_points(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v < SIZE4) {
    y[v] = share.x * a[v] + share.y * b[v] + share.z * c[v];
  }
}
