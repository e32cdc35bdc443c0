/** Loads a known set in a worker and keeps it, as the app does; posts what came of it. */
import { Hub } from '../../src/data/hub.ts';
import { openFolder } from '../../src/data/opfs.ts';
import { DatasetStore } from '../../src/data/store.ts';
import { FathomError } from '../../src/errors.ts';

const hub = new Hub(() => openFolder(navigator, 'downloads'));

self.onmessage = async ({ data: base }: MessageEvent<string>) => {
  try {
    const set = await hub.load('cifar10', { size: 32, base, patience: 1000 });
    const store = new DatasetStore(await openFolder(navigator, 'datasets'));
    await store.save(set);
    self.postMessage({ set, kept: await store.open('cifar10'), listed: await store.list() });
  } catch (error) {
    const { code, message } =
      error instanceof FathomError ? error : { code: '', message: String(error) };
    self.postMessage({ code, message });
  }
};
