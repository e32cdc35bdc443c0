/** The chapter on images: its numbers are those of the data set and of the float64 reference. */
import { expect } from '@playwright/test';
import { generateBuiltin } from '../../src/data/builtin.ts';
import { augmentPictures } from '../../src/reference/augmentation.ts';
import { tensor } from '../../src/reference/tensor.ts';
import { expectFits, parseNumber, present, test } from './page.ts';

const PICTURE = 3;
const set = await generateBuiltin({ size: 16 });
const PLANE = 16 * 16;

/** A channel's values on 0…1. */
function channel(c: number): number[] {
  const values: number[] = [];
  for (let n = 0; n < set.train.count; n++) {
    const from = (n * 3 + c) * PLANE;
    for (let i = from; i < from + PLANE; i++) values.push(set.train.images[i]! / 255);
  }
  return values;
}

function moments(values: readonly number[]): [mean: string, deviation: string] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return [mean.toFixed(4), Math.sqrt(variance).toFixed(4)];
}

test('mean and deviation of every channel, before and after', async ({ page }) => {
  await page.goto('#/images');
  const rows = page.locator('.images-channels tbody tr');
  await expect(rows).toHaveCount(3, { timeout: 30_000 });
  for (const c of [0, 1, 2]) {
    const [mean, deviation] = moments(channel(c));
    const cells = rows.nth(c).locator('td');
    await expect(cells).toHaveText([mean, deviation, '0.0000', '1.0000']);
  }
  await page.getByRole('button', { name: /^red: mean after: where/ }).press('Enter');
  const proof = page.getByRole('dialog', { name: 'red: mean after' });
  await expect(proof).toContainText('batch/gather');
  const [byKernel, byReference] = (await proof.locator('td').allInnerTexts()).map(Number);
  expect(Math.abs(byKernel! - byReference!)).toBeLessThan(1e-6);
  expect(byKernel).not.toBe(byReference);
  await page.keyboard.press('Escape');
  await page.getByRole('radio', { name: 'raw' }).click();
  await expect(page).toHaveURL(/step=raw/);
  const [mean, deviation] = moments(channel(0));
  await expect(rows.nth(0).locator('td')).toHaveText([mean, deviation, mean, deviation]);
});

test('augmented copies are those of the reference, and say where they come from', async ({
  page,
}) => {
  await page.goto(
    '#/images?view=augment&flip=true&pad=2&resize=true&brightness=0.4&saturation=0.5&cutout=5&seed=7',
  );
  const copies = 12;
  const own = set.train.images.slice(PICTURE * 3 * PLANE, (PICTURE + 1) * 3 * PLANE);
  const { mean, std } = set.statistics;
  const one = Array.from(own, (byte, i) => {
    const c = Math.floor(i / PLANE);
    return (byte / 255 - mean[c]!) / std[c]!;
  });
  const x = tensor([copies, 3, 16, 16], Array.from({ length: copies }, () => one).flat());
  const y = augmentPictures(
    x,
    {
      flip: true,
      pad: 2,
      resize: [1.14, 2.14],
      brightness: 0.4,
      contrast: 0,
      saturation: 0.5,
      cutout: 5,
    },
    set.statistics,
    { seed: 7, iteration: 0 },
  );
  const shown = page.locator('.images-gallery .proof');
  await expect(shown).toHaveCount(copies, { timeout: 30_000 });
  const numbers = (await shown.allInnerTexts()).map(parseNumber);
  numbers.forEach((value, k) => {
    expect(Math.abs(value - y.data[k * 3 * PLANE]!)).toBeLessThan(0.001);
  });
  await shown.first().press('Enter');
  await expect(page.getByRole('dialog')).toContainText('batch/cutout');
});

test('fits every screen and the projector, and stands alone in another page', async ({ page }) => {
  await page.goto('#/images?view=augment&flip=true&resize=true');
  await expect(page.locator('.images-gallery')).toBeVisible({ timeout: 30_000 });
  await expectFits(page);
  await present(page, 'images', 5);
  await page.goto('#/images?embed=1&view=augment&hide=controls');
  await expect(page.locator('.images-gallery')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('slider')).toHaveCount(0);
});
