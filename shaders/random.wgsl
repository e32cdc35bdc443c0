// Counter-based random numbers: the same key gives the same number, whatever ran before and wherever.
// PCG4D of Jarzynski & Olano 2020, "Hash Functions for GPU Rendering" (JCGT 9(3)); the same function
// stands in src/random.ts. Key: (seed, iteration, stream, element).
fn random4(seed: u32, iteration: u32, stream: u32, element: u32) -> vec4u {
  var v = vec4u(seed, iteration, stream, element) * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}
