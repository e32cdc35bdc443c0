// Keeps what a batch norm found in training: the coefficients, and the running estimates, the variance there unbiased (as PyTorch).
coefficients[c * 4] = mean;
coefficients[c * 4 + 1] = slope;
coefficients[c * 4 + 2] = offset;
coefficients[c * 4 + 3] = variance;
running_mean[c] = mix(running_mean[c], mean, MOMENTUM);
running_var[c] = mix(running_var[c], m2 / f32(max(P - 1, 1)), MOMENTUM);
