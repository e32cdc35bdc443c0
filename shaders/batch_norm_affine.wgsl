// What x̂ is scaled and shifted by, from `variance` of vec4 c of the channels; see shaders/batch_norm.wgsl.
//#if AFFINE
let slope = gamma[c] / sqrt(variance + EPS);
let offset = beta[c];
//#else
let slope = 1.0 / sqrt(variance + EPS);
let offset = vec4f();
//#end
