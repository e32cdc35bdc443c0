// Global average pooling: y[n,c] = 1/(H·W) · Σ_{h,w} x[n,h,w,c], and its gradient dx = dy / (H·W).
// x: N,HW,C4; y: N,C4. Constants: N, HW, C4, ADDEND.

// One invocation a vec4 of y. Dispatch: ⌈N·C4 / 64⌉ workgroups.
//#section global_avg_pool
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn global_avg_pool(@builtin(global_invocation_id) id: vec3u) {
  let n = i32(id.x) / C4;
  let c = i32(id.x) % C4;
  if (n >= N) {
    return;
  }
  var sum = vec4f();
  for (var p = 0; p < HW; p++) {
    sum += x[(n * HW + p) * C4 + c];
  }
  y[n * C4 + c] = sum / f32(HW);
}

// One invocation a vec4 of dx. Dispatch: ⌈N·HW·C4 / 64⌉ workgroups.
//#section global_avg_pool_grad
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(2) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn global_avg_pool_grad(@builtin(global_invocation_id) id: vec3u) {
  let v = i32(id.x);
  if (v >= N * HW * C4) {
    return;
  }
  //#if ADDEND
  dx[v] = dy[v / (HW * C4) * C4 + v % C4] / f32(HW) + addend[v];
  //#else
  dx[v] = dy[v / (HW * C4) * C4 + v % C4] / f32(HW);
  //#end
}
