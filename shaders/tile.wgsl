// The tile of a workgroup: ACROSS blocks of PX columns × DOWN rows of PICTURES pictures; see shaders/conv2d_tile.wgsl.
// Places are (picture, row, column). STAGED = PICTURES·SPAN·WIDTH pixels of the image in front lie under it.
var<workgroup> tile: array<vec4f, ${SLICE * STAGED}>;

fn tile_at(index: i32) -> vec3i {
  return vec3i(index / (TILES_X * TILES_Y) * PICTURES, index / TILES_X % TILES_Y * DOWN, index % TILES_X * ACROSS * PX);
}

// The block of an invocation, within its tile.
fn block_at(lane: i32) -> vec3i {
  return vec3i(lane / (ACROSS * DOWN), lane % DOWN, lane / DOWN % ACROSS * PX);
}

// The number of staged pixel `p` in images of this size, or −1 where it is padding; `corner` is the first one's place.
fn staged_from(p: i32, corner: vec3i, size: vec3i) -> i32 {
  let at = corner + vec3i(p / (SPAN * WIDTH), p / WIDTH % SPAN, p % WIDTH);
  let inside = all(at >= vec3i()) && all(at < size);
  return select(-1, (at.x * size.y + at.y) * size.z + at.z, inside);
}
