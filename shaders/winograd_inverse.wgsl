// The way back, z = Aᵀ·M·A, of PX / 2 neighbouring tiles from `column` on of the row of tiles that begins with `first`; see
// shaders/conv2d_winograd.wgsl.
//#for t in 0..PX / 2
let at_${t} = first + min(column + ${t}, TILES_X - 1);
//#for k in 0..16
let m_${t}_${k} = filtered[(${k} * QUADS + q) * TILES + at_${t}];
//#end
//#for c in 0..4
let a_${t}_0_${c} = m_${t}_${c} + m_${t}_${4 + c} + m_${t}_${8 + c};
let a_${t}_1_${c} = m_${t}_${4 + c} - m_${t}_${8 + c} - m_${t}_${12 + c};
//#end
//#for y in 0..2
let z_${y}_${2 * t} = a_${t}_${y}_0 + a_${t}_${y}_1 + a_${t}_${y}_2;
let z_${y}_${2 * t + 1} = a_${t}_${y}_1 - a_${t}_${y}_2 - a_${t}_${y}_3;
//#end
//#end
