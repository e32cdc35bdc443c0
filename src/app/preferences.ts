/**
 * What a reader chose for themselves and finds again next time: language, theme, how much of the GPU to take, which variants of its kernels.
 */

/** Null where nothing valid is kept, or the browser keeps nothing for this page. */
export function readPreference<T extends string>(name: string, allowed: readonly T[]): T | null {
  try {
    const kept = localStorage.getItem(`fathom.${name}`);
    return allowed.find((value) => value === kept) ?? null;
  } catch {
    return null;
  }
}

/** Null where no JSON is kept. */
export function readJson(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`fathom.${name}`) ?? 'null');
  } catch {
    return null;
  }
}

export function writePreference(name: string, value: string): void {
  try {
    localStorage.setItem(`fathom.${name}`, value);
  } catch {
    // Storage may be switched off: the choice then holds until the page is closed.
  }
}
