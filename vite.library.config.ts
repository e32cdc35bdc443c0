/** `npm run build:library`: the engine as one ES module. */
import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
  build: {
    target: 'es2023',
    outDir: 'dist-library',
    lib: { entry: 'src/library.ts', formats: ['es'], fileName: 'fathom' },
  },
});
