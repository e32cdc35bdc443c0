// Loads the columns of one row of dy for `o`, a vec4 of output channels; see `conv2d_grad_input` in shaders/conv2d.wgsl.
let at = (n * OH + clamp(oy, 0, OH - 1)) * OW * OC4 + o;
//#for c in 0..COLUMNS
let dy_${c} = select(vec4f(), load_dy(at + column_${c}, channels), row_inside && inside_${c});
//#end
