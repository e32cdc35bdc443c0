/** The page of data sets: fetched from a hub on loopback, kept, looked at, made smaller and harder, used. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { expect, test as base } from '@playwright/test';
import type { Page } from '@playwright/test';
import { serve, startHub } from '../hub_server.ts';
import type { HubServer, Mishap } from '../hub_server.ts';
import { tasksDuring } from './main_thread.ts';
import { TINY, button, iterations, open, overflow, test } from './page.ts';

const FASHION = '/usr/share/datasets/fashion-mnist';
const CIFAR = '../shared/data/cifar-10-binary-6k.tar.gz';

let hub: HubServer;
let mishaps: Mishap[] = [];
let ranges: string[] = [];
test.beforeAll(async () => {
  hub = await startHub((_, { headers }) => {
    ranges.push(headers.range ?? '');
    return mishaps.shift() ?? null;
  });
});
test.afterAll(() => hub.close());
test.beforeEach(() => {
  mishaps = [];
  ranges = [];
});

/** Opens the page, with the hub's address as a school would set it. */
async function openData(page: Page): Promise<void> {
  await page.goto('#/data');
  await page.getByText('Another download address').click();
  await page.getByLabel('Address').fill(hub.address);
  await page.getByLabel('Address').press('Enter');
}

const cifar10 = (page: Page) => page.getByRole('button', { name: /CIFAR-10, / });
const title = (page: Page) => page.locator('article h2');

/** These answers are errors in the console, too. */
base('a download that fails says why, and goes on where it broke off', async ({ page }) => {
  mishaps = [
    (_, response) => void response.writeHead(404, { 'access-control-allow-origin': '*' }).end(),
    (_, response) =>
      void response
        .writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'text/html' })
        .end('<p>Sign in</p>'),
    (request, response, whole) => serve(request, response, whole, { length: 10_000 }),
    (request, response, whole) => serve(request, response, whole, { length: 5000, then: 'stall' }),
  ];
  await openData(page);
  const alert = page.getByRole('alert');
  await cifar10(page).focus();
  await page.keyboard.press('Enter');
  await expect(alert).toContainText('answered 404');
  await cifar10(page).click();
  await expect(alert).toContainText('sent a web page');
  await cifar10(page).click();
  await expect(alert).toContainText('broke off after 10000 of');
  await page.reload();
  await expect(page.getByText('0.01 MB of 144 MB are here')).toBeVisible();
  await cifar10(page).click();
  await expect(page.getByText(/^Downloading: 0\.015 MB of [\d.]+ MB$/)).toBeVisible();
  await button(page, 'Stop').click();
  await cifar10(page).click();
  await expect(title(page)).toHaveText('CIFAR-10');
  expect(ranges).toEqual([
    ...['bytes=0-', 'bytes=0-', 'bytes=0-', 'bytes=10000-', 'bytes=15000-', 'bytes=0-'],
  ]);
});

test('a known set is kept, looked at, made smaller and harder, used, found again, deleted', async ({
  page,
}) => {
  await open(page, `${TINY}&steps=12`);
  await page.getByRole('link', { name: 'Data sets' }).click();
  await openData(page);
  await cifar10(page).click();
  await expect(title(page)).toHaveText('CIFAR-10');
  await expect(page.getByText('20 training and 10 test images, 10 classes, 3×32×32')).toBeVisible();
  await expect(page.getByText(/near duplicate in the training set/)).toBeVisible();
  await expect(page.getByText('Classes with fewer than 10 training images')).toBeVisible();
  await expect(page.locator('.class-pictures canvas')).toHaveCount(20);
  await expect(page.getByRole('img', { name: /^Red: mean 0\.\d{4}/ })).toBeVisible();

  await page.getByRole('radio', { name: '100%' }).click();
  await expect(page.getByText(/of 20 training labels \(\d+(\.\d)?%\) are now wrong/)).toBeVisible();
  await button(page, 'frog').click();
  await expect(title(page)).toHaveText('CIFAR-10 (9 classes, 100% random labels)');
  await expect(page.locator('.class-pictures canvas[data-wrong]').first()).toBeVisible();
  for (const viewport of [
    { width: 1440, height: 900 },
    { width: 1024, height: 768 },
    { width: 390, height: 844 },
  ]) {
    await page.setViewportSize(viewport);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  }
  await page.getByRole('radio', { name: '中文' }).click();
  await expect(title(page)).toHaveText('CIFAR-10（9 类，100% 随机标签）');
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  await page.getByRole('radio', { name: 'English' }).click();
  await page.setViewportSize({ width: 1280, height: 800 });

  await page.getByRole('link', { name: 'Use in the experiment' }).click();
  await page.getByRole('tab', { name: 'Data' }).click();
  await expect(page.getByText(/training and \d+ test images, 3×8×8/)).toBeVisible();
  await button(page, 'Step').click();
  await expect.poll(() => iterations(page)).toEqual([1, 1, 1, 1]);

  // A later visit, by a link: the set is here, and the hub is asked nothing.
  ranges = [];
  await page.reload();
  await page.getByRole('tab', { name: 'Data' }).click();
  await expect(page.getByText(/training and \d+ test images, 3×8×8/)).toBeVisible({
    timeout: 90_000,
  });
  await page.getByRole('link', { name: 'Data sets' }).click();
  await page.getByRole('link', { name: 'CIFAR-10', exact: false }).click();
  await expect(title(page)).toHaveText('CIFAR-10');
  expect(ranges).toEqual([]);

  await button(page, 'Delete CIFAR-10').click();
  await button(page, 'Delete').click();
  await expect(page.getByText('CIFAR-10 is not on this computer yet (144 MB)')).toBeVisible();
  await expect(cifar10(page)).toBeEnabled();
});

test('60,000 images are read while no frame of the page waits for more than 50 ms', async ({
  page,
}, info) => {
  const count = 60_000;
  const header = (...words: number[]) => Buffer.from(new Uint32Array(words).buffer).swap32();
  const images = Buffer.alloc(count * 784);
  for (let i = 0; i < images.length; i += 97) images[i] = i % 251;
  const files = {
    'train-images-idx3-ubyte': Buffer.concat([header(0x803, count, 28, 28), images]),
    'train-labels-idx1-ubyte': Buffer.concat([
      header(0x801, count),
      Buffer.from(Uint8Array.from({ length: count }, (_, i) => i % 10)),
    ]),
  };
  const paths = Object.keys(files).map((name) => info.outputPath(name));
  for (const [i, content] of Object.values(files).entries()) await writeFile(paths[i]!, content);

  await page.goto('#/data');
  await expect(title(page)).toHaveText('Built-in shapes');
  const tasks = await tasksDuring(page, async () => {
    await page.getByLabel('Files', { exact: true }).setInputFiles(paths);
    await expect(
      page.getByText('50,000 training and 10,000 test images, 10 classes, 1×28×28'),
    ).toBeVisible({ timeout: 60_000 });
  });
  expect(tasks.length).toBeGreaterThan(10);
  const longest = Math.max(...tasks.map(({ duration }) => duration));
  info.annotations.push({ type: 'main thread', description: `longest task ${longest} ms` });
  expect(longest).toBeLessThan(50);
});

test('the real Fashion-MNIST and the CIFAR archive have their known statistics', async ({
  page,
}) => {
  await page.goto('#/data');
  const files = page.getByLabel('Files', { exact: true });
  if (existsSync(FASHION)) {
    const names = [
      'train-images-idx3',
      'train-labels-idx1',
      't10k-images-idx3',
      't10k-labels-idx1',
    ];
    await files.setInputFiles(names.map((name) => `${FASHION}/${name}-ubyte.gz`));
    await expect(page.getByText('60,000 training and 10,000 test images')).toBeVisible();
    await expect(page.getByText('μ 0.2860, σ 0.3530')).toBeVisible();
  }
  if (existsSync(CIFAR)) {
    await files.setInputFiles(CIFAR);
    await expect(title(page)).toHaveText(/^CIFAR-10/);
    await expect(page.locator('.class-list li')).toHaveCount(10);
  }
  base.skip(!existsSync(FASHION) && !existsSync(CIFAR), 'neither is on this computer');
});
