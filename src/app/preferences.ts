/**
 * What a reader chose for themselves and finds again next time: language, theme, how much of the GPU to take.
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

export function writePreference(name: string, value: string): void {
  try {
    localStorage.setItem(`fathom.${name}`, value);
  } catch {
    // Storage may be switched off: the choice then holds until the page is closed.
  }
}
