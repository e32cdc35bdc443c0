// The weights KH,KW,IC,OC4 of a convolution. Most kernels read the same ones in all invocations of a workgroup at the same time.
//#if UNIFORM_WEIGHT
@group(0) @binding(next) var<uniform> weight: array<vec4f, KH * KW * IC4 * 4 * OC4>;
//#else
@group(0) @binding(next) var<storage, read> weight: array<vec4f>;
//#end
