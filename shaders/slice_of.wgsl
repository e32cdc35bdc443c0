// Which pixels and channels an invocation of a sum over slices takes: every `strands`th pixel of slice `slice`, from
// `strand` on, of the vec4 `c` of channels; see shaders/batch_norm.wgsl.
struct Slice {
  slice: i32,
  c: i32,
  strand: i32,
  strands: i32,
}

fn slice_of(lane: i32, group: vec3i, columns: i32) -> Slice {
  //#if COOPERATE
  return Slice(group.x, group.y * CL + lane % CL, lane / CL, 64 / CL);
  //#else
  let index = (group.y * columns + group.x) * 64 + lane;
  return Slice(index / C4, index % C4, 0, 1);
  //#end
}
