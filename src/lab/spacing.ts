/** Keeps looks at the training from costing it more than a twelfth of its time. */

/** A pause after a look is so many times as long as the look took. */
const SHARE = 11;
/** And no shorter than this, in milliseconds, where nothing is said. */
const LEAST = 500;

export class Spacing {
  private readonly least: number;
  private readonly now: () => number;
  private due = 0;

  /**
   * @param least milliseconds of a pause at least
   * @param now milliseconds on a clock that never runs backwards
   */
  constructor(least = LEAST, now = () => performance.now()) {
    this.least = least;
    this.now = now;
  }

  /** Whether the pause after the last look is over. */
  get isDue(): boolean {
    return this.now() >= this.due;
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
      this.due = done + Math.max(this.least, SHARE * (done - began));
    }
  }
}
