/**
 * The sweep over all kernels once more, in a real Chromium: its WGSL compiler and its limits are what people
 * run Fathom on.
 */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { ensureBrowser, WEBGPU_ARGS } from './scripts/browser.mjs';

export default defineConfig({
  test: {
    name: 'chromium',
    include: ['tests/gpu/ops.test.ts'],
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
