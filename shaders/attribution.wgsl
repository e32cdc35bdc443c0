// Where a network looks: maps over the pixels of N pictures, from activations and gradients of one logit.
//
// x: N·HW pixels × C4 vec4s of channels, of which padding is zero. map: N·HW floats. One invocation computes one pixel.
// Constants: N, HW, C4. Dispatch: ⌈N·HW / 64⌉ workgroups.
//
// Grad-CAM (Selvaraju et al. 2017, equations 1 and 2): map(p) = max(0, Σₖ αₖ Aₖ(p)), αₖ the mean over the pixels of ∂yᶜ/∂Aₖ.
// x is A, alpha [N, C4] is α.
//#section grad_cam
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> alpha: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> map: array<f32>;

@compute @workgroup_size(64)
fn grad_cam(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let pixel = i32(id.y * groups.x * 64u + id.x);
  if (pixel >= N * HW) {
    return;
  }
  let picture = pixel / HW;
  var sum = 0.0;
  for (var c = 0; c < C4; c++) {
    sum += dot(alpha[picture * C4 + c], x[pixel * C4 + c]);
  }
  map[pixel] = max(0.0, sum);
}

// Saliency (Simonyan et al. 2014, section 3.1): map(p) = maxₖ |∂yᶜ/∂xₖ(p)|. x is the gradient at the picture.
//#section saliency
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> map: array<f32>;

@compute @workgroup_size(64)
fn saliency(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let pixel = i32(id.y * groups.x * 64u + id.x);
  if (pixel >= N * HW) {
    return;
  }
  var most = 0.0;
  for (var c = 0; c < C4; c++) {
    let g = abs(x[pixel * C4 + c]);
    most = max(most, max(max(g.x, g.y), max(g.z, g.w)));
  }
  map[pixel] = most;
}
