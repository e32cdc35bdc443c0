// One invocation a vec4 of any image tensor; padding channels stay zero because f(0) = 0 for all of these.
// Constants: SIZE4 (vec4s), ADDEND. Dispatch: ⌈SIZE4 / 64⌉ workgroups.

// y = max(x, 0)
//#section relu
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn relu(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v < SIZE4) {
    // Not max(): that may turn what is not a number into 0.
    y[v] = select(x[v], vec4f(), x[v] <= vec4f());
  }
}

// dx = dy where y > 0, else 0 (the derivative at 0 is 0, as in PyTorch)
//#section relu_grad
@group(0) @binding(0) var<storage, read> y: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(3) var<storage, read> addend: array<vec4f>;
//#end

@compute @workgroup_size(64)
fn relu_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v < SIZE4) {
    //#if ADDEND
    dx[v] = select(vec4f(), dy[v], y[v] > vec4f()) + addend[v];
    //#else
    dx[v] = select(vec4f(), dy[v], y[v] > vec4f());
    //#end
  }
}

// y = a + b
//#section add
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn add(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v < SIZE4) {
    y[v] = a[v] + b[v];
  }
}
