/** What all norms have in common: their parameters, and how they are written down. */
import { z } from 'zod';

/** Parameters of every norm. */
export const normParams = {
  eps: z.number().positive().default(1e-5).describe('ε, added to the variance'),
  affine: z.boolean().default(true).describe('Whether γ (`weight`) and β (`bias`) are learned'),
  init: z
    .enum(['ones', 'zeros'])
    .default('ones')
    .describe(
      'What γ starts at: zeros make a residual block start as the identity (Goyal et al. 2017, section 5.1)',
    ),
};

/** A norm whose statistics go over these axes (TeX text). */
export const normFormula = (axes: string): string =>
  String.raw`y = \gamma\, \hat x + \beta,\quad \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}},\quad \mu, \sigma^2 \text{ over ${axes}}`;

/** Means are taken over the axes of the statistics. */
export const NORM_GRADIENT = String.raw`\frac{\partial L}{\partial x} = \frac{1}{\sqrt{\sigma^2 + \varepsilon}} \left(g - \overline{g} - \hat x\, \overline{g \hat x}\right),\; g = \gamma \frac{\partial L}{\partial y};\quad \frac{\partial L}{\partial \gamma} = \sum \frac{\partial L}{\partial y}\, \hat x,\quad \frac{\partial L}{\partial \beta} = \sum \frac{\partial L}{\partial y}`;
