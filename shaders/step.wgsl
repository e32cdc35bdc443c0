// Scalars that change from step to step; one small uniform buffer a network.
struct Step {
  learning_rate: f32,
  momentum: f32,
  weight_decay: f32,
  // 1 for Nesterov momentum, else 0.
  nesterov: u32,
  // Keys of the counter generator: the experiment's seed and the step's number.
  seed: u32,
  iteration: u32,
  // How many pictures of the batch are real; the rest of a last partial batch counts nothing.
  valid: u32,
  // Augmentation: pixels of zero padding before the random crop (0 = off), and 1 to mirror at random.
  pad: u32,
  flip: u32,
  // Gradient clipping: the largest norm of all gradients together.
  max_norm: f32,
}
