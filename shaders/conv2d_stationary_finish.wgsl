// Goes over the rows of `block` once more, for what is done with whole sums; see shaders/conv2d_stationary.wgsl.
if (used) {
  for (var row = block * ROWS; row < (block + 1) * ROWS; row++) {
    for (var p = 0; p < TARGET_W; p++) {
      //#for v in 0..QV
      //#if GRADIENT
      finish_${v}(row, p, q, dx[(row * TARGET_W + p) * TARGET_C4 + q + ${v}]);
      //#else
      finish_${v}(row, p, q, y[(row * TARGET_W + p) * TARGET_C4 + q + ${v}]);
      //#end
      //#end
    }
  }
}
