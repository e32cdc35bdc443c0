// Activations y = f(x) and their gradients dx = dy · f′(x); one constant of the following is true:
//
//   IDENTITY    x                                   1
//   SIGMOID     σ(x) = 1 / (1 + e^−x)               σ(x)·σ(−x)
//   TANH        tanh x                              1 − tanh² x
//   GELU        x·Φ(x)                              Φ(x) + x·φ(x)          (Hendrycks & Gimpel 2016)
//   GELU_TANH   x/2·(1 + tanh u),                   (1 + tanh u)/2 + x/2·(1 − tanh² u)·u′
//               u = √(2/π)·(x + 0.044715·x³)
//   SILU        x·σ(x)                              σ(x)·(1 + x·σ(−x))     (Elfwing et al. 2017)
//   ELU         x > 0: x, else α·(e^x − 1)          x > 0: 1, else α·e^x   (Clevert et al. 2015)
//   LEAKY_RELU  x > 0: x, else α·x                  x > 0: 1, else α       (Maas et al. 2013)
//
// Φ and φ are the distribution function and the density of the standard normal. Channels that pad the last
// vec4 stay zero, whatever f(0) is. x, y: SIZE4 vec4s, C channels in C4 vec4s a pixel.
// Constants: SIZE4, C, C4, ALPHA, ADDEND and the above. Dispatch: ⌈SIZE4 / 64⌉ workgroups on x and y, one
// invocation a vec4.
//#include math

const GELU_SCALE = 0.7978845608;
const GELU_CUBIC = 0.044715;

fn within(v: i32) -> vec4<bool> {
  return vec4i(v % C4 * 4) + vec4i(0, 1, 2, 3) < vec4i(C);
}

//#section activate
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

fn f(x: vec4f) -> vec4f {
  //#if IDENTITY
  return x;
  //#end
  //#if SIGMOID
  return logistic(x);
  //#end
  //#if TANH
  return hyperbolic_tangent(x);
  //#end
  //#if GELU
  return x * normal_distribution(x);
  //#end
  //#if GELU_TANH
  return 0.5 * x * (1.0 + hyperbolic_tangent(GELU_SCALE * (x + GELU_CUBIC * x * x * x)));
  //#end
  //#if SILU
  return x * logistic(x);
  //#end
  //#if ELU
  return select(x, ALPHA * expm1(min(x, vec4f())), x <= vec4f());
  //#end
  //#if LEAKY_RELU
  return select(ALPHA * x, x, x > vec4f());
  //#end
}

@compute @workgroup_size(64)
fn activate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v < SIZE4) {
    y[v] = select(vec4f(), f(x[v]), within(v));
  }
}

//#section activate_grad
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
//#if ADDEND
@group(0) @binding(3) var<storage, read> addend: array<vec4f>;
//#end

fn derivative(x: vec4f) -> vec4f {
  //#if IDENTITY
  return vec4f(1.0);
  //#end
  //#if SIGMOID
  return logistic(x) * logistic(-x);
  //#end
  //#if TANH
  let y = hyperbolic_tangent(x);
  return (1.0 - y) * (1.0 + y);
  //#end
  //#if GELU
  return normal_distribution(x) + x * exp(-0.5 * x * x) * 0.3989422804;
  //#end
  //#if GELU_TANH
  let t = hyperbolic_tangent(GELU_SCALE * (x + GELU_CUBIC * x * x * x));
  let slope = GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * x * x);
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t) * (1.0 + t) * slope;
  //#end
  //#if SILU
  return logistic(x) * (1.0 + x * logistic(-x));
  //#end
  //#if ELU
  return select(ALPHA * exp(min(x, vec4f())), vec4f(1.0), x > vec4f());
  //#end
  //#if LEAKY_RELU
  return select(vec4f(ALPHA), vec4f(1.0), x > vec4f());
  //#end
}

@compute @workgroup_size(64)
fn activate_grad(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let v = i32(id.y * groups.x * 64u + id.x);
  if (v < SIZE4) {
    //#if ADDEND
    dx[v] = dy[v] * derivative(x[v]) + addend[v];
    //#else
    dx[v] = dy[v] * derivative(x[v]);
    //#end
  }
}
