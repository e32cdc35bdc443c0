// From images to vectors, in PyTorch's order of elements:
//
//   y[n, (c·H + h)·W + w] = x[n,c,h,w]
//
// x, dx: N,HW,C4; y, dy: N,F4 with F = C·HW. Elements move between vec4s, so they are read one by one.
// Constants: N HW C C4 F F4, ADDEND.

// Dispatch: ⌈N·F4 / 64⌉ workgroups, one invocation a vec4 of y.
//#section flatten
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn flatten(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * F4) {
    return;
  }
  let n = v / F4;
  var value = vec4f();
  //#for lane in 0..4
  let f_${lane} = v % F4 * 4 + ${lane};
  if (f_${lane} < F) {
    let c = f_${lane} / HW;
    value[${lane}] = x[(n * HW + f_${lane} % HW) * C4 + c / 4][c % 4];
  }
  //#end
  y[v] = value;
}

// Dispatch: ⌈N·HW·C4 / 64⌉ workgroups, one invocation a vec4 of dx; ADDEND: dx gets addend added.
//#section flatten_grad
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(2) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn flatten_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v >= N * HW * C4) {
    return;
  }
  let pixel = v / C4 % HW;
  let n = v / (C4 * HW);
  var value = vec4f();
  //#for lane in 0..4
  let c_${lane} = v % C4 * 4 + ${lane};
  if (c_${lane} < C) {
    let f = c_${lane} * HW + pixel;
    value[${lane}] = dy[n * F4 + f / 4][f % 4];
  }
  //#end
  //#if ADDEND
  dx[v] = value + addend[v];
  //#else
  dx[v] = value;
  //#end
}
