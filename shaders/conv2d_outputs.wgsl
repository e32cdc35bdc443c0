// What forward convolutions write and add: y, and with MOMENTS the moments of every slice; see `conv2d` in shaders/conv2d.wgsl.
@group(0) @binding(next) var<storage, read_write> y: array<vec4f>;
//#if BIAS
@group(0) @binding(next) var<storage, read> bias: array<vec4f>;
//#end
//#if MOMENTS
@group(0) @binding(next) var<storage, read_write> partial: array<vec4f>;
//#if COOPERATE
var<workgroup> means: array<vec4f, 64>;
var<workgroup> deviations: array<vec4f, 64>;
var<workgroup> counts: array<f32, 64>;
//#include absorb
//#end
//#end
