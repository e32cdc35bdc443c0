/// <reference types="vitest/config" />
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

/** Plotly's core asks for the style sheet of maps, which it does not hold: 9 kB gzipped less. */
const withoutMapStyles: Plugin = {
  name: 'without-map-styles',
  enforce: 'pre',
  resolveId: (id) => (id === 'maplibre-gl/dist/maplibre-gl.css' ? '\0no-map-styles.js' : null),
  load: (id) => (id === '\0no-map-styles.js' ? 'export {}' : null),
};

export default defineConfig({
  // Relative addresses: dist/ works from any sub-path.
  base: './',
  plugins: [react(), withoutMapStyles],
  // Plotly's sources name Node's global object.
  define: { global: 'globalThis' },
  worker: { format: 'es' },
  // The largest chunk is plotly, which is loaded after the first paint.
  build: { target: 'es2023', chunkSizeWarningLimit: 1100 },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/unit/**/*.test.{ts,tsx}'],
          // To load the project again for each file takes a third as long as the tests.
          isolate: false,
          maxWorkers: '100%',
          // They run beside types and lint: no clock of theirs is to be trusted.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'gpu',
          include: ['tests/gpu/**/*.test.ts'],
          setupFiles: ['tests/gpu/setup.ts'],
          // One process and one device for all files: adapters are slow to open and not to be shared.
          fileParallelism: false,
          isolate: false,
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
