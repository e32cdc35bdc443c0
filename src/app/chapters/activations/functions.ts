/** The activations that the chapter shows: ops of the table. */
export const FUNCTIONS = ['sigmoid', 'tanh', 'relu', 'leaky_relu', 'elu', 'silu', 'gelu'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];
