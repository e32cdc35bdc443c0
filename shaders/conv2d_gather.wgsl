// Input channels `c` of the vec4s from `pixel` on, one for each of four output channels; see shaders/conv2d_direct.wgsl.
//#if SHARED
let gathered = vec4f(x[pixel + c.x / 4][c.x % 4]);
//#else
let gathered = vec4f(
  x[pixel + c.x / 4][c.x % 4],
  x[pixel + c.y / 4][c.y % 4],
  x[pixel + c.z / 4][c.z % 4],
  x[pixel + c.w / 4][c.w % 4],
);
//#end
