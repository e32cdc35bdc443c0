// What data gradients write and add: dx, and with SUMS what the norm in front wants summed; see `conv2d_grad_input` in
// shaders/conv2d.wgsl.
@group(0) @binding(next) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(next) var<storage, read> addend: array<vec4f>;
//#end
//#if SUMS
@group(0) @binding(next) var<storage, read> norm_x: array<vec4f>;
@group(0) @binding(next) var<uniform> norm: array<mat4x4f, IC4>;
@group(0) @binding(next) var<storage, read_write> partial: array<vec4f>;
//#if MASK_STORED
@group(0) @binding(next) var<storage, read> x: array<vec4f>;
//#end
//#if COOPERATE
var<workgroup> sums: array<vec4f, 64>;
var<workgroup> products: array<vec4f, 64>;
//#end
//#end
