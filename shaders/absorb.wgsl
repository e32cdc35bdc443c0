// The moments (mean, M2 = Σ (x − mean)², count) of one lane take in those of another, in workgroup memory: Chan, Golub &
// LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", eq. 2.1.
fn absorb(lane: u32, other: u32) {
  if (counts[other] == 0.0) {
    return;
  }
  let total = counts[lane] + counts[other];
  let delta = means[other] - means[lane];
  means[lane] += delta * (counts[other] / total);
  deviations[lane] += deviations[other] + delta * delta * (counts[lane] * counts[other] / total);
  counts[lane] = total;
}
