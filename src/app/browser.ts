/**
 * Which browser and system this is, so that advice on WebGPU fits. Only ever used for words on the
 * screen: what can be done is asked of WebGPU itself.
 */

export type BrowserName = 'chrome' | 'edge' | 'firefox' | 'safari' | 'other';
export type SystemName = 'windows' | 'macos' | 'linux' | 'android' | 'ios' | 'other';

export interface Browser {
  name: BrowserName;
  /** Major version; null where the user agent does not say. */
  version: number | null;
  system: SystemName;
}

const BROWSERS: readonly [BrowserName, RegExp][] = [
  ['edge', /Edg(?:A|iOS)?\/(\d+)/],
  ['firefox', /(?:Firefox|FxiOS)\/(\d+)/],
  ['chrome', /(?:Chrome|Chromium|CriOS)\/(\d+)/],
  ['safari', /Version\/(\d+).*Safari\//],
];

const SYSTEMS: readonly [SystemName, RegExp][] = [
  ['ios', /iPhone|iPad|iPod/],
  ['android', /Android/],
  ['windows', /Windows/],
  ['macos', /Macintosh|Mac OS X/],
  ['linux', /Linux|X11|CrOS/],
];

/** Reads a `navigator.userAgent`. */
export function detectBrowser(userAgent: string): Browser {
  const system = SYSTEMS.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? 'other';
  for (const [name, pattern] of BROWSERS) {
    const match = pattern.exec(userAgent);
    if (match) return { name, version: Number(match[1]), system };
  }
  return { name: 'other', version: null, system };
}
