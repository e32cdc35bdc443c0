// Loads the columns of one input row for `i`, a vec4 of input channels; see `conv2d` in shaders/conv2d.wgsl.
let at = (n * H + clamp(iy, 0, H - 1)) * W * IC4 + i;
//#for c in 0..COLUMNS
let x_${c} = select(vec4f(), load_x(at + column_${c}, channels), row_inside && inside_${c});
//#end
