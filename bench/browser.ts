/** Measures in Chromium: Vite serves one page, Playwright opens it anew for every configuration. */
import { chromium } from '@playwright/test';
import type { Browser, Page } from '@playwright/test';
import { createServer } from 'vite';
import type { ViteDevServer } from 'vite';
import { FathomError } from '../src/errors.ts';
import type { Runtime, RuntimeOptions } from './runtime.ts';

const PORT = 4319;
const HOST = '127.0.0.1';

export async function openBrowser(options: RuntimeOptions): Promise<Runtime> {
  const { adapter, headed } = options;
  if (adapter !== 'default' && adapter !== 'swiftshader') {
    throw new FathomError(
      'options',
      `--adapter ${adapter}: Chromium takes a GPU (default) or its own swiftshader; other adapters need --runtime node`,
    );
  }
  // scripts/browser.mjs reads it when it is loaded.
  process.env.FATHOM_ADAPTER = adapter;
  const { ensureBrowser, WEBGPU_ARGS } = await import('../scripts/browser.mjs');
  const executablePath = await ensureBrowser((line) => console.error(line));
  const server = await serve(options.packages);
  const browser = await chromium.launch({ executablePath, args: WEBGPU_ARGS, headless: !headed });
  return {
    title: `Chromium ${browser.version()}`,
    peaks: () =>
      withPage(
        browser,
        () => undefined,
        (page) => page.evaluate(() => bench.peaks()),
      ),
    kernels: (config, rounds, choices) =>
      withPage(
        browser,
        () => undefined,
        (page) =>
          page.evaluate((sent) => bench.kernels(...sent), [config, rounds, choices] as const),
      ),
    measure: (request, report) =>
      withPage(browser, report, (page) => page.evaluate((sent) => bench.measure(sent), request)),
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}

/** Serves the repository as it is now: nothing is watched, so an edit meanwhile reloads no page. */
async function serve(packages: readonly string[]): Promise<ViteDevServer> {
  const server = await createServer({
    configFile: false,
    root: process.cwd(),
    cacheDir: 'node_modules/.vite-bench',
    logLevel: 'error',
    define: { global: 'globalThis' },
    optimizeDeps: { noDiscovery: true, include: ['zod', ...packages] },
    server: {
      host: HOST,
      port: PORT,
      hmr: false,
      watch: null,
      // With these a page may share memory between threads, which WebAssembly contenders use.
      headers: {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
    },
  });
  return server.listen();
}

async function withPage<T>(
  browser: Browser,
  report: (line: string) => void,
  work: (page: Page) => Promise<T>,
): Promise<T> {
  const page = await browser.newPage();
  try {
    page.on('pageerror', (error) => report(`error in the page: ${error.message}`));
    page.on('crash', () => report('the page has crashed'));
    page.on('console', (message) => {
      if (message.type() === 'error') report(`console: ${message.text().slice(0, 300)}`);
    });
    await page.exposeFunction('report', report);
    await page.goto(`http://${HOST}:${PORT}/bench/index.html`);
    await page.waitForFunction(() => 'bench' in globalThis, undefined, { timeout: 120_000 });
    return await work(page);
  } finally {
    await page.close();
  }
}
