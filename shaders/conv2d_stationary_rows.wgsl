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
  //#for i in 0..CHUNK
  let from_${i} = first + (${i} ^ sharer);
  //#end
  // A loop: its loads, written out, take longest to compile. Constants of their own: an array would stay in memory.
  var w: array<mat4x4f, KH * KW * CHUNK * QV>;
  for (var t = 0; t < KH * KW; t++) {
    //#for i in 0..CHUNK
    //#for v in 0..QV
    let at_${i}_${v} = weight_at(t, from_${i}, q + ${v});
    //#if BROADCAST
    let own_${i}_${v} = weight[at_${i}_${v} + lane * OC4];
    w[t * ${CHUNK * QV} + ${i * QV + v}] = mat4x4f(
      subgroupBroadcast(own_${i}_${v}, 0u), subgroupBroadcast(own_${i}_${v}, 1u),
      subgroupBroadcast(own_${i}_${v}, 2u), subgroupBroadcast(own_${i}_${v}, 3u),
    );
    //#else
    w[t * ${CHUNK * QV} + ${i * QV + v}] = mat4x4f(
      weight[at_${i}_${v}], weight[at_${i}_${v} + OC4], weight[at_${i}_${v} + 2 * OC4], weight[at_${i}_${v} + 3 * OC4],
    );
    //#end
    //#end
    //#end
  }
  //#for t in 0..KH * KW
  //#for i in 0..CHUNK
  //#for v in 0..QV
  let w_${t}_${i}_${v} = w[${(t * CHUNK + i) * QV + v}];
  //#end
  //#end
  //#end
  //#for s in 0..CHUNK / SHARERS
  //#if GRADIENT
  let channels_${s} = dy_channels(from_${s * SHARERS});
  //#else
  let channels_${s} = x_channels(from_${s * SHARERS});
  //#end
  //#end
  for (var r = 0; r < ROWS; r++) {
    let row = block * ROWS + r;
    let n = row / TARGET_H;
    //#for kh in 0..KH
    let iy_${kh} = row % TARGET_H * STRIDE_Y + ${kh} - BEFORE_Y;
    let inside_${kh} = iy_${kh} >= 0 && iy_${kh} < SOURCE_H;
    let row_${kh} = (n * SOURCE_H + clamp(iy_${kh}, 0, SOURCE_H - 1)) * SOURCE_W * SOURCE_C4;
    //#end
    // Sums of the pixels that a column is seen by, the one that it completes first.
    //#for v in 0..QV
    //#if BIAS
    let start_${v} = select(vec4f(), bias_${v}, first == 0);
    //#else
    let start_${v} = vec4f();
    //#end
    //#for a in 0..SEEN
    var sum_${a}_${v} = start_${v};
    //#end
    //#end
    for (var p = FIRST; p < TARGET_W - AFTER; p++) {
      //#for j in 0..STRIDE_X
      //#if KW - STRIDE_X + j >= 0
      let c_${j} = p * STRIDE_X + KW - STRIDE_X - BEFORE_X + ${j};
      //#if STRIDE_X > 1
      let column_${j} = clamp(c_${j}, 0, SOURCE_W - 1) * SOURCE_C4;
      //#else
      let column_${j} = c_${j} * SOURCE_C4;
      //#end
      //#for kh in 0..KH
      //#if STRIDE_X > 1
      let inside_${kh}_${j} = inside_${kh} && c_${j} == clamp(c_${j}, 0, SOURCE_W - 1);
      //#else
      let inside_${kh}_${j} = inside_${kh};
      //#end
      //#for s in 0..CHUNK / SHARERS
      {
        let at = row_${kh} + column_${j} + from_${s * SHARERS};
        //#if GRADIENT
        let value_${s * SHARERS} = select(vec4f(), load_dy(at, channels_${s}), inside_${kh}_${j});
        //#else
        let value_${s * SHARERS} = select(vec4f(), load_x(at, channels_${s}), inside_${kh}_${j});
        //#end
        //#if SHARERS > 1
        let value_${s * SHARERS + 1} = quadSwapX(value_${s * SHARERS});
        //#end
        //#if SHARERS == 4
        let value_${s * 4 + 2} = quadSwapY(value_${s * 4});
        let value_${s * 4 + 3} = quadSwapDiagonal(value_${s * 4});
        //#end
        //#for i in s * SHARERS..(s + 1) * SHARERS
        //#for a in 0..SEEN
        //#if KW - STRIDE_X + j - a * STRIDE_X >= 0
        //#for v in 0..QV
        //#if GRADIENT
        sum_${a}_${v} += value_${i} * w_${kh * KW + KW - STRIDE_X + j - a * STRIDE_X}_${i}_${v};
        //#else
        sum_${a}_${v} += w_${kh * KW + KW - STRIDE_X + j - a * STRIDE_X}_${i}_${v} * value_${i};
        //#end
        //#end
        //#end
        //#end
        //#end
      }
      //#end
      //#end
      //#end
      //#end
      if (used && p >= 0) {
        //#for v in 0..QV
        found_${v}(row, p, q, sum_0_${v}, first);
        //#end
      }
      //#for v in 0..QV
      //#for a in 0..SEEN - 1
      sum_${a}_${v} = sum_${a + 1}_${v};
      //#end
      sum_${SEEN - 1}_${v} = start_${v};
      //#end
    }
    // The padding behind the row completes the last pixels.
    if (used) {
      //#for a in 0..AFTER
      //#if TARGET_W - AFTER + a >= 0
      //#for v in 0..QV
      found_${v}(row, ${TARGET_W - AFTER + a}, q, sum_${a}_${v}, first);
      //#end
      //#end
      //#end
    }
  }
}
