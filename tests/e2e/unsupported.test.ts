/**
 * What a person sees where nothing can train. Each test starts a browser of its own, without the
 * arguments that give the others their software adapter.
 */
import { chromium, expect, test } from '@playwright/test';
import type { TestInfo } from '@playwright/test';

async function openWith(args: string[], address: string, testInfo: TestInfo, words: RegExp[]) {
  const { launchOptions } = testInfo.project.use;
  const browser = await chromium.launch({ ...launchOptions, args });
  try {
    const page = await browser.newPage();
    await page.goto(address);
    const alert = page.getByRole('alert');
    for (const text of words) await expect(alert.getByText(text).first()).toBeVisible();
    await expect(page.getByRole('button', { name: 'Start' })).toHaveCount(0);
    await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  } finally {
    await browser.close();
  }
}

test('no adapter: says so, and what to do in this browser', async ({ baseURL }, testInfo) => {
  await openWith(['--disable-gpu'], baseURL!, testInfo, [
    /No graphics adapter was found/,
    /use-webgpu-adapter=swiftshader/,
  ]);
});

test('chapters without an adapter: the reference answers and says so, or a sentence says why not', async ({
  baseURL,
}, testInfo) => {
  const { launchOptions } = testInfo.project.use;
  const browser = await chromium.launch({ ...launchOptions, args: ['--disable-gpu'] });
  try {
    const page = await browser.newPage();
    for (const [chapter, result] of [
      ['normalization', '.findings .proof'],
      ['dropout', '.schemes .proof'],
      ['activations', '.instrument .proof'],
      ['initialization', '.initialization-readings .proof'],
      ['images', '.images-channels .proof'],
      ['images?view=augment', '.images-gallery .proof'],
    ] as const) {
      await page.goto(`${baseURL!}#/${chapter}`);
      await expect(page.locator(result).first(), chapter).toHaveText(/\d/);
      await expect(page.getByText(/come from the float64 reference/)).toBeVisible();
    }
    for (const chapter of ['images?view=crops', 'regularization', 'regularization?view=accuracy']) {
      await page.goto(`${baseURL!}#/${chapter}`);
      await expect(page.getByRole('alert'), chapter).toContainText('must be trained first');
    }
  } finally {
    await browser.close();
  }
});

test('no WebGPU on an insecure address: says to use https', async ({ baseURL }, testInfo) => {
  // Loopback addresses count as secure; this one stands for a machine on the network.
  const address = new URL(baseURL!);
  address.hostname = '192.0.2.1';
  const args = ['--host-resolver-rules=MAP 192.0.2.1 127.0.0.1'];
  await openWith(args, address.href, testInfo, [/This address is not secure/, /https/]);
});
