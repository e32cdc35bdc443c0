/**
 * End-to-end tests: the built app in a real Chromium, served from a sub-path as it may be anywhere.
 */
import { defineConfig } from '@playwright/test';
import { ensureBrowser, WEBGPU_ARGS } from './scripts/browser.mjs';

// Workers load this file as well, and find the browser in the environment.
process.env.FATHOM_CHROME ??= await ensureBrowser(console.log);

/** Not the root: dist/ must work from any sub-path. */
const base = '/some/where/';
const port = Number(process.env.FATHOM_PORT ?? 4317);

export default defineConfig({
  testDir: 'tests/e2e',
  forbidOnly: Boolean(process.env.CI),
  // Tests share a CPU that also plays the GPU.
  workers: 1,
  timeout: 180_000,
  expect: { timeout: 30_000 },
  use: {
    // What is not there to be clicked fails at once, not with the test's time.
    actionTimeout: 30_000,
    baseURL: `http://127.0.0.1:${port}${base}`,
    viewport: { width: 1280, height: 800 },
    launchOptions: { executablePath: process.env.FATHOM_CHROME, args: WEBGPU_ARGS },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
  },
  webServer: {
    command: `vite preview --base ${base} --host 127.0.0.1 --port ${port} --strictPort`,
    url: `http://127.0.0.1:${port}${base}`,
    stdout: 'ignore',
  },
});
