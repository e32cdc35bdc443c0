// dx = (x − μ)·slope + offset + g·scale, from the sums of g and of g·(x − μ); see shaders/batch_norm.wgsl.
let scale = coefficients[c * 4 + 1];
let inverse = 1.0 / sqrt(coefficients[c * 4 + 3] + EPS);
//#if TRAINING
let slope = -scale * inverse * inverse * (product / f32(P));
let offset = -scale * (sum / f32(P));
//#end
