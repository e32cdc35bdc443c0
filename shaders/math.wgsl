// Functions that WGSL lacks, or whose built-in may overflow or cancel. Their absolute error is about 2e-7 where |f| ≤ 1, their
// relative error near a zero at x = 0 about as small, and they are finite wherever their limits are.

// e^x − 1 without cancellation: the Taylor series for |x| < 1/2, where its remainder is below 2e-8 of x.
fn expm1(x: vec4f) -> vec4f {
  var sum = vec4f(1.0 / 40320.0);
  sum = sum * x + 1.0 / 5040.0;
  sum = sum * x + 1.0 / 720.0;
  sum = sum * x + 1.0 / 120.0;
  sum = sum * x + 1.0 / 24.0;
  sum = sum * x + 1.0 / 6.0;
  sum = sum * x + 0.5;
  sum = sum * x + 1.0;
  return select(exp(x) - 1.0, sum * x, abs(x) < vec4f(0.5));
}

// 1 / (1 + e^−x), from e^−|x| so that nothing overflows.
fn logistic(x: vec4f) -> vec4f {
  let tail = exp(-abs(x));
  return select(tail, vec4f(1.0), x >= vec4f()) / (1.0 + tail);
}

// tanh x = sign(x)·(1 − e^−2|x|) / (1 + e^−2|x|)
fn hyperbolic_tangent(x: vec4f) -> vec4f {
  let decay = expm1(-2.0 * abs(x));
  return sign(x) * -decay / (2.0 + decay);
}

// Φ(x) = erfc(−x/√2) / 2, the distribution function of the standard normal. erfc z for z ≥ 0 is the Chebyshev
// fit of Press et al., "Numerical Recipes" (2nd ed.), section 6.2, with a relative error below 1.2e-7.
fn normal_distribution(x: vec4f) -> vec4f {
  let z = abs(x) * 0.70710678;
  let t = 1.0 / (1.0 + 0.5 * z);
  var fit = vec4f(0.17087277);
  fit = fit * t - 0.82215223;
  fit = fit * t + 1.48851587;
  fit = fit * t - 1.13520398;
  fit = fit * t + 0.27886807;
  fit = fit * t - 0.18628806;
  fit = fit * t + 0.09678418;
  fit = fit * t + 0.37409196;
  fit = fit * t + 1.00002368;
  let tail = 0.5 * t * exp(-z * z - 1.26551223 + t * fit);
  return select(1.0 - tail, tail, x < vec4f());
}
