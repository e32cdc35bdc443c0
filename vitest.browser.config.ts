/**
 * In a real Chromium, which is what people run Fathom on: the sweep over all kernels once more, with its WGSL
 * compiler and its limits; and what data sets need of it.
 */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { ensureBrowser, WEBGPU_ARGS } from './scripts/browser.mjs';

export default defineConfig({
  test: {
    name: 'chromium',
    include: ['tests/gpu/ops.test.ts', 'tests/browser/**/*.test.ts'],
    globalSetup: ['tests/browser/hub.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: { executablePath: await ensureBrowser(console.log), args: WEBGPU_ARGS },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
