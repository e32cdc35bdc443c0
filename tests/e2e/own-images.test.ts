/** One's own images: from the camera and from a zip, sorted and renamed, made a set, kept, and trained on. */
import { readFileSync } from 'node:fs';
import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';
import { WEBGPU_ARGS } from '../../scripts/browser.mjs';
import { button, open, state, test } from './page.ts';

// A camera whose picture moves, and a reader who allows it.
const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
test.use({
  launchOptions: {
    ...(process.env.FATHOM_CHROME && { executablePath: process.env.FATHOM_CHROME }),
    args: [...WEBGPU_ARGS, ...FAKE_CAMERA],
  },
});

const card = (page: Page, name: string) =>
  page
    .locator('.own-class')
    .filter({ has: page.getByRole('textbox', { name: `Name of ${name}` }) });
const images = (page: Page, name: string) =>
  card(page, name).getByRole('button', { name: /, image \d+$/ });

test('a set from the camera and a zip', async ({ page }) => {
  await page.goto('#/data');
  await page.getByRole('link', { name: 'Make a set' }).click();
  await button(page, 'Camera').click();
  const video = page.getByLabel('What the camera sees');
  await expect
    .poll(() => video.evaluate((seen: HTMLVideoElement) => seen.videoWidth))
    .toBeGreaterThan(0);

  // A class by the button, a class by the key: pictures come while they are held, and stop then.
  const hold = card(page, 'class 1').getByRole('button', { name: /^Hold to take pictures/ });
  await hold.hover();
  await page.mouse.down();
  await expect.poll(() => images(page, 'class 1').count()).toBeGreaterThan(3);
  await page.mouse.up();
  await page.locator('body').click({ position: { x: 5, y: 5 } });
  await page.keyboard.down('2');
  await expect.poll(() => images(page, 'class 2').count()).toBeGreaterThan(3);
  await page.keyboard.up('2');
  await button(page, 'Camera off').click();
  await expect(hold).toHaveCount(0);
  const taken = await images(page, 'class 1').count();
  const shown = images(page, 'class 1').first().locator('img');
  await expect
    .poll(() => shown.evaluate((shot: HTMLImageElement) => shot.naturalWidth))
    .toBeGreaterThan(0);

  // Renamed, one left out; a zip brings classes of its own.
  await page.getByRole('textbox', { name: 'Name of class 1' }).fill('hand');
  await page.keyboard.press('Enter');
  await images(page, 'hand').first().click();
  await expect(card(page, 'hand').getByRole('status')).toHaveText(
    `${taken - 1} of ${taken} images`,
  );
  await page.getByLabel('Zip of such a folder').setInputFiles('tests/fixtures/own-images.zip');
  await expect(images(page, 'red')).toHaveCount(8);
  await button(page, 'Remove class 2').click();
  await expect(card(page, 'class 2')).toHaveCount(0);
  // The same file once more, which is told when the set is made.
  const red = card(page, 'red').getByLabel('Add images');
  await red.setInputFiles({
    name: 'again.png',
    mimeType: 'image/png',
    buffer: readFileSync('docs/images/experiment.png'),
  });
  await red.setInputFiles({
    name: 'again.png',
    mimeType: 'image/png',
    buffer: readFileSync('docs/images/experiment.png'),
  });
  await expect(images(page, 'red')).toHaveCount(10);

  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('my lesson');
  await page.getByRole('radio', { name: '16×16' }).click();
  await page.getByRole('radio', { name: 'fit' }).click();
  await button(page, 'Make the set').click();
  const made = page.locator('.own-made');
  await expect(made).toContainText('Made, and kept in this browser.');
  await expect(made).toContainText('Fewer than 10 training images');
  await expect(made).toContainText('broken.png');
  await made.getByRole('button', { name: /^Leave out all but one of each/ }).click();
  await expect(card(page, 'red').getByRole('status')).toHaveText('9 of 10 images');
  await button(page, 'Make the set').click();
  await expect(made.getByRole('button', { name: /^Leave out all but one/ })).toHaveCount(0);
  await expect(made).toContainText('Made, and kept in this browser.');
  await made.getByRole('link', { name: 'Look at it and use it' }).click();
  await expect(page.getByRole('heading', { name: /my lesson/ })).toBeVisible();

  // Found again by another visit, and trained on.
  await page.reload();
  await expect(page.getByRole('link', { name: /my lesson/ })).toBeVisible();
  await open(
    page,
    'data=images:my%20lesson&networks=plain-8&width=4&size=8&batch=4&steps=3&evalEvery=3&warmup=0',
  );
  await button(page, 'Start').click();
  await expect(state(page)).toHaveText('Finished', { timeout: 60_000 });
  await expect(page.getByText('my lesson').first()).toBeVisible();
});
