// Computes the ROWS rows of `block` from weights that it loads first; see shaders/conv2d_stationary.wgsl.
//#if BROADCAST
let lane = i32(subgroup_lane % 4u);
//#end
//#if PASSES > 1
for (var first = 0; first < SOURCE_C4; first += CHUNK) {
//#else
{
  let first = 0;
//#end
  //#for t in 0..KH * KW
  //#for i in 0..CHUNK
  //#for v in 0..QV
  let at_${t}_${i}_${v} = weight_at(${t}, first + ${i}, q + ${v});
  //#if BROADCAST
  let own_${t}_${i}_${v} = weight[at_${t}_${i}_${v} + lane * OC4];
  let w_${t}_${i}_${v} = mat4x4f(
    subgroupBroadcast(own_${t}_${i}_${v}, 0u), subgroupBroadcast(own_${t}_${i}_${v}, 1u),
    subgroupBroadcast(own_${t}_${i}_${v}, 2u), subgroupBroadcast(own_${t}_${i}_${v}, 3u),
  );
  //#else
  let w_${t}_${i}_${v} = mat4x4f(
    weight[at_${t}_${i}_${v}], weight[at_${t}_${i}_${v} + OC4],
    weight[at_${t}_${i}_${v} + 2 * OC4], weight[at_${t}_${i}_${v} + 3 * OC4],
  );
  //#end
  //#end
  //#end
  //#end
  //#for i in 0..CHUNK
  //#if GRADIENT
  let channels_${i} = dy_channels(first + ${i});
  //#else
  let channels_${i} = x_channels(first + ${i});
  //#end
  //#end
  for (var row = block * ROWS; row < (block + 1) * ROWS; row++) {
    let n = row / TARGET_H;
    //#for kh in 0..KH
    let iy_${kh} = row % TARGET_H + ${kh} - BEFORE_Y;
    let inside_${kh} = iy_${kh} >= 0 && iy_${kh} < SOURCE_H;
    let row_${kh} = (n * SOURCE_H + clamp(iy_${kh}, 0, SOURCE_H - 1)) * SOURCE_W * SOURCE_C4 + first;
    //#end
    // Sums of the pixels that a column is seen by, the one that it completes first.
    //#for v in 0..QV
    //#if BIAS
    let start_${v} = select(vec4f(), bias_${v}, first == 0);
    //#else
    let start_${v} = vec4f();
    //#end
    //#for a in 0..KW
    var sum_${a}_${v} = start_${v};
    //#end
    //#end
    for (var c = 0; c < SOURCE_W; c++) {
      //#for kh in 0..KH
      //#for i in 0..CHUNK
      {
        let at = row_${kh} + c * SOURCE_C4 + ${i};
        //#if GRADIENT
        let value = select(vec4f(), load_dy(at, channels_${i}), inside_${kh});
        //#else
        let value = select(vec4f(), load_x(at, channels_${i}), inside_${kh});
        //#end
        //#for a in 0..KW
        //#for v in 0..QV
        //#if GRADIENT
        sum_${a}_${v} += value * w_${kh * KW + KW - 1 - a}_${i}_${v};
        //#else
        sum_${a}_${v} += w_${kh * KW + KW - 1 - a}_${i}_${v} * value;
        //#end
        //#end
        //#end
      }
      //#end
      //#end
      let p = c + BEFORE_X - (KW - 1);
      if (used && p >= 0) {
        //#for v in 0..QV
        finish_${v}(row, p, q, sum_0_${v}, first);
        //#end
      }
      //#for v in 0..QV
      //#for a in 0..KW - 1
      sum_${a}_${v} = sum_${a + 1}_${v};
      //#end
      sum_${KW - 1}_${v} = start_${v};
      //#end
    }
    // The padding behind the row completes the last pixels.
    if (used) {
      //#for a in 0..AFTER_X
      //#if SOURCE_W + BEFORE_X - (KW - 1) + a >= 0
      //#for v in 0..QV
      finish_${v}(row, ${SOURCE_W + BEFORE_X - (KW - 1) + a}, q, sum_${a}_${v}, first);
      //#end
      //#end
      //#end
    }
  }
}
