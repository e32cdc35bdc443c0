/**
 * What a reader can do where nothing can train, by reason and browser. Keys of
 * `unsupported.<reason>` and `unsupported.advice.<advice>`.
 */
import type { Browser } from './browser.ts';

export type Reason = 'noWebgpu' | 'insecure' | 'noAdapter' | 'limits' | 'lost' | 'other';

export type Advice =
  | 'update'
  | 'chromeLinux'
  | 'chrome'
  | 'edge'
  | 'firefox'
  | 'safari'
  | 'ios'
  | 'driver'
  | 'software'
  | 'https'
  | 'smaller'
  | 'reload'
  | 'other';

/** The reason behind the worker's code. A page that is not secure never has WebGPU. */
export function reasonOf(code: string, secure: boolean): Reason {
  switch (code) {
    case 'no-webgpu':
      return secure ? 'noWebgpu' : 'insecure';
    case 'no-adapter':
      return 'noAdapter';
    case 'limits':
      return 'limits';
    case 'device-lost':
      return 'lost';
    default:
      return 'other';
  }
}

/** What to do, the likeliest help first. */
export function adviceFor(reason: Reason, browser: Browser): Advice[] {
  switch (reason) {
    case 'insecure':
      return ['https'];
    case 'lost':
      return ['reload', 'smaller', 'driver'];
    case 'other':
      return ['reload', 'update'];
    case 'limits':
      return ['driver', 'smaller', 'other'];
    case 'noWebgpu':
    case 'noAdapter':
      return [...browserAdvice(browser), 'update', 'driver', ...softwareAdvice(browser)];
  }
}

function browserAdvice({ name, system }: Browser): Advice[] {
  if (system === 'ios') return ['ios'];
  if (name === 'other') return [];
  const chromium = name === 'chrome' || name === 'edge';
  return chromium && system === 'linux' ? ['chromeLinux', name] : [name];
}

function softwareAdvice({ name, system }: Browser): Advice[] {
  const desktop = system === 'windows' || system === 'macos' || system === 'linux';
  return desktop && name !== 'safari' ? ['software', 'other'] : ['other'];
}
