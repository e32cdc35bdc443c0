/**
 * A browser for the end-to-end tests: finds one that gives WebGPU, or installs one.
 *
 * In this order: the one that FATHOM_CHROME names, Chrome or Chromium of the system, Playwright's own
 * (installed where it is missing), Debian's package (installed with apt-get, as root or by sudo).
 * `node scripts/browser.mjs` does so, and sees to the Vulkan loader that WebGPU in Node needs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from '@playwright/test';

/**
 * Whether the browser computes on SwiftShader, which every Chromium has and which makes runs alike on all
 * machines. FATHOM_ADAPTER=default takes the machine's GPU instead.
 */
export const SOFTWARE = process.env.FATHOM_ADAPTER !== 'default';

/** Headless browsers hide WebGPU where there is no certified GPU, unless they are asked for it. */
export const WEBGPU_ARGS = [
  '--enable-unsafe-webgpu',
  SOFTWARE ? '--use-webgpu-adapter=swiftshader' : '--enable-features=Vulkan',
];

const MINUTE = 60_000;

/**
 * The path of a browser that gives a WebGPU adapter, which may be installed for it.
 *
 * @param {(line: string) => void} log is told what is tried, and why it did not do.
 * @returns {Promise<string>}
 */
export async function ensureBrowser(log) {
  const refused = new Set();
  /** The first installed browser that gives WebGPU. */
  const usable = async () => {
    for (const path of installedBrowsers().filter((path) => !refused.has(path))) {
      const failure = await webgpuFailure(path);
      if (failure === null) return path;
      log(`${path}: ${failure}`);
      refused.add(path);
    }
    return null;
  };

  const present = await usable();
  if (present) return present;
  if (process.env.FATHOM_CHROME)
    throw new Error('the browser that FATHOM_CHROME names will not do');

  log('no browser with WebGPU is installed; trying Playwright’s (npx playwright install chromium)');
  if (run(log, 'npx', ['playwright', 'install', 'chromium'])) {
    refused.delete(chromium.executablePath());
    const playwrights = await usable();
    if (playwrights) return playwrights;
    log('trying to install the system libraries it needs (npx playwright install-deps chromium)');
    if (run(log, ...asRoot('npx', ['playwright', 'install-deps', 'chromium']))) {
      refused.delete(chromium.executablePath());
      const withLibraries = await usable();
      if (withLibraries) return withLibraries;
    }
  }

  if (installDebianPackages(log, ['chromium', 'libvulkan1'])) {
    refused.clear();
    const debians = await usable();
    if (debians) return debians;
  }

  throw new Error(
    'no browser with WebGPU was found, and none could be installed (see above). ' +
      'Install Google Chrome or Chromium, version 121 or later, with the Vulkan loader (libvulkan1 on ' +
      'Debian and Ubuntu), or name one: FATHOM_CHROME=/path/to/chrome npm test',
  );
}

/**
 * Dawn in Node reaches software adapters through the system's Vulkan loader, which a bare Linux lacks.
 *
 * @param {(line: string) => void} log
 */
export function ensureVulkanLoader(log) {
  if (process.platform !== 'linux') return;
  const libraries = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  if (libraries.error || libraries.stdout.includes('libvulkan.so.1')) return;
  log('the Vulkan loader is missing');
  installDebianPackages(log, ['libvulkan1']);
}

/** @returns {string[]} paths of executables, the preferred first */
function installedBrowsers() {
  const named = process.env.FATHOM_CHROME;
  if (named) {
    if (!existsSync(named)) throw new Error(`FATHOM_CHROME names ${named}, which does not exist`);
    return [named];
  }
  return [...systemBrowsers(), chromium.executablePath()].filter((path) => existsSync(path));
}

/** @returns {string[]} */
function systemBrowsers() {
  switch (process.platform) {
    case 'darwin':
      return ['Google Chrome', 'Chromium'].map(
        (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
      );
    case 'win32':
      return ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((variable) => {
        const folder = process.env[variable];
        return folder ? [join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe')] : [];
      });
    default: {
      const folders = (process.env.PATH ?? '').split(delimiter);
      const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser'];
      return names.flatMap((name) => folders.map((folder) => join(folder, name)));
    }
  }
}

/**
 * Why this browser does not give a WebGPU adapter; null where it does.
 *
 * @param {string} executablePath
 * @returns {Promise<string | null>}
 */
async function webgpuFailure(executablePath) {
  // WebGPU wants a secure context, which about:blank is not and a loopback address is.
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  try {
    const browser = await chromium.launch({ executablePath, args: WEBGPU_ARGS });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${port}/`);
      return await page.evaluate(async () => {
        if (!('gpu' in navigator)) return 'it has no WebGPU';
        return (await navigator.gpu.requestAdapter()) ? null : 'its WebGPU gives no adapter';
      });
    } finally {
      await browser.close();
    }
  } catch (error) {
    return `it does not start: ${String(error).split('\n', 1)[0]}`;
  } finally {
    server.close();
  }
}

/**
 * @param {(line: string) => void} log
 * @param {string[]} packages
 * @returns {boolean} whether they are installed now
 */
function installDebianPackages(log, packages) {
  if (!existsSync('/usr/bin/apt-get')) {
    log('there is no apt-get here to install Debian’s packages with');
    return false;
  }
  log(`installing Debian’s packages: apt-get install ${packages.join(' ')}`);
  return (
    run(log, ...asRoot('apt-get', ['update', '-qq'])) &&
    run(log, ...asRoot('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]))
  );
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {[string, string[]]}
 */
function asRoot(command, args) {
  return process.getuid?.() === 0 ? [command, args] : ['sudo', ['-n', command, ...args]];
}

/**
 * Runs a command to its end; its output is told only when it fails.
 *
 * @param {(line: string) => void} log
 * @param {string} command
 * @param {string[]} args
 * @returns {boolean} whether it succeeded
 */
function run(log, command, args) {
  const child = spawnSync(command, args, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
    timeout: 10 * MINUTE,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (child.status === 0) return true;
  const output = [child.stdout, child.stderr, child.error?.message]
    .filter(Boolean)
    .join('\n')
    .trim();
  log(`${command} ${args.join(' ')} failed:\n${output.split('\n').slice(-8).join('\n')}`);
  return false;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const log = (/** @type {string} */ line) => console.log(line);
  try {
    console.log(`browser with WebGPU: ${await ensureBrowser(log)}`);
    ensureVulkanLoader(log);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
