// Puts what an invocation has loaded of a slice into the tile, whose vec4s of channels lie one behind the other; see
// shaders/conv2d_tile.wgsl.
//#for k in 0..LOADS
//#if (k + 1) * 64 > SLICE * STAGED
if (own_pixel + ${k * 64 / SLICE} < STAGED) {
//#else
{
//#end
  tile[own * STAGED + own_pixel + ${k * 64 / SLICE}] = staged_${k};
}
//#end
