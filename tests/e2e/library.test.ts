/** The engine as one ES module, in a page that knows nothing else: the example of docs/engine.md. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { build } from 'vite';
import { test } from './page.ts';

const ORIGIN = 'http://127.0.0.1:4318';

test('the example of docs/engine.md trains', async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'fathom-library-'));
  await build({
    configFile: 'vite.library.config.ts',
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true },
  });
  const module = readFileSync(join(folder, 'fathom.js'), 'utf8');
  rmSync(folder, { recursive: true });
  const [, example] = /```html\n([\s\S]*?)```/.exec(readFileSync('docs/engine.md', 'utf8')) ?? [];

  const files: Record<string, { contentType: string; body: string }> = {
    '/': { contentType: 'text/html', body: `<link rel="icon" href="data:," />${example}` },
    '/fathom.js': { contentType: 'text/javascript', body: module },
  };
  await page.route(`${ORIGIN}/**`, (route) => {
    const file = files[new URL(route.request().url()).pathname];
    return file ? route.fulfill(file) : route.fulfill({ status: 404 });
  });
  const said: unknown[] = [];
  page.on('console', (message) => {
    if (message.type() === 'log')
      void message
        .args()[0]
        ?.jsonValue()
        .then((it) => said.push(it));
  });
  await page.goto(ORIGIN);
  await expect.poll(() => said.length, { timeout: 120_000 }).toBe(11);

  const losses = said.slice(0, 10).map(Number);
  // Two classes before anything is learned: about ln 2 or more; afterwards they are told apart.
  expect(losses[0]).toBeGreaterThan(0.4);
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
  expect(Object.keys(said[10] as object)).toEqual(['loss', 'error']);
});
