/** `npm run docs:layers` writes docs/layers.md. */
import { writeFile } from 'node:fs/promises';
import { layersDocument } from '../ops/document.ts';

await writeFile('docs/layers.md', layersDocument());
