/** The chapter on regularization: a network is trained on the page, and its random predictions are averaged. */
import { expect } from '@playwright/test';
import { expectFits, present, test } from './page.ts';

/** Training in software takes its time. */
test.setTimeout(270_000);

test('draws, their mean and its error bar; keyboard, both languages, three sizes', async ({
  page,
}) => {
  await page.goto('#/regularization?draws=1');
  const readings = page.locator('.regularization-one dd');
  await expect(page.locator('.chapter-waiting')).toBeVisible();
  await expect(readings).toHaveCount(3, { timeout: 200_000 });

  // The mean of the first draws, from the single draws that the page shows one after the other.
  const singles: number[] = [];
  for (let k = 1; k <= 6; k++) {
    if (k > 1) await page.getByRole('button', { name: 'One more draw' }).press('Enter');
    await expect(page.locator('.regularization-one dt').first()).toHaveText(`Draw ${k}`);
    singles.push(Number(await readings.nth(0).innerText()));
  }
  const mean = singles.reduce((a, b) => a + b) / singles.length;
  const variance = singles.reduce((sum, p) => sum + (p - mean) ** 2, 0) / (singles.length - 1);
  const [shown = NaN, error = NaN] = (await readings.nth(1).innerText()).split(' ± ').map(Number);
  expect(Math.abs(shown - mean)).toBeLessThan(0.002);
  expect(Math.abs(error - 2 * Math.sqrt(variance / singles.length))).toBeLessThan(0.002);
  expect(new Set(singles).size).toBeGreaterThan(1);

  // The network on the float64 reference, asked for the same draws.
  await page.getByRole('button', { name: /^Draw 6: where/ }).press('Enter');
  const proof = page.getByRole('dialog', { name: 'Draw 6' });
  await expect(proof.getByRole('rowheader', { name: 'Reference, float64' })).toBeVisible({
    timeout: 60_000,
  });
  const [byKernel, byReference] = (await proof.locator('td').allInnerTexts()).map(Number);
  expect(Math.abs(byKernel! - singles[5]!)).toBeLessThan(0.001);
  expect(Math.abs(byKernel! - byReference!)).toBeLessThan(0.001);
  expect(byKernel).not.toBe(byReference);
  await expect(proof).toContainText('conv1.weight [8, 3, 3, 3]');
  await page.keyboard.press('Escape');

  await present(page, 'regularization', 3);
  await page.goto('#/regularization?draws=1');
  await expect(readings).toHaveCount(3);
  await expectFits(page);
});
