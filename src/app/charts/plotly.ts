/**
 * The smallest plotly that serves: its core, which holds the scatter trace and nothing else (349 kB
 * gzipped; the smallest published bundle, basic, has 359 kB). Loaded by dynamic import, after the
 * first paint.
 */
import Plotly from 'plotly.js/lib/core';

declare module 'plotly.js' {
  /** Part of plotly's interface since its first version, and not in its types. */
  export const Fx: {
    /** Shows the hover labels at a value of x, as if the pointer were there. */
    hover(plot: HTMLElement, at: { xval: number }, subplots: string[]): void;
  };
}

export default Plotly;
