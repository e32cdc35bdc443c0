/** Keeps what follows the training from costing it more than a twelfth of its time. */

/** A pause after a look is so many times as long as the look took. */
const SHARE = 11;
/** And no shorter than this, in milliseconds. */
const LEAST = 500;

export class Spacing {
  private readonly now: () => number;
  private due = 0;

  /** @param now milliseconds on a clock that never runs backwards */
  constructor(now = () => performance.now()) {
    this.now = now;
  }

  /** Resolves when the pause after the last look is over. */
  async pause(): Promise<void> {
    const rest = this.due - this.now();
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  }

  /** Times a look: how long the training waited for it. */
  async look<T>(work: () => Promise<T>): Promise<T> {
    const began = this.now();
    try {
      return await work();
    } finally {
      const done = this.now();
      this.due = done + Math.max(LEAST, SHARE * (done - began));
    }
  }
}
