/** The profile of a network, what to expect of the device, and its share, in a real browser. */
import { expect } from '@playwright/test';
import { TINY, button, cell, iterations, open, state, test } from './page.ts';

test('a network is profiled while it trains, and its curves do not change', async ({ page }) => {
  const errors = () =>
    Promise.all([cell(page, 'plain-8', 'Train error'), cell(page, 'residual-14', 'Train error')]);
  await open(page, `${TINY}&steps=8`);
  await button(page, 'Start').click();
  await expect(state(page)).toHaveText('Finished', { timeout: 90_000 });
  // The last rows come after the word.
  const shown = () => iterations(page);
  await expect.poll(shown).toEqual([8, 8, 8, 8]);
  const unmeasured = await errors();

  await button(page, 'Reset').click();
  await button(page, 'Start').click();
  await page.getByRole('tab', { name: 'Profile' }).click();
  await page.getByLabel('Where a step’s time goes').getByRole('combobox').selectOption('plain-14');
  await button(page, 'Profile').click();
  await expect(page.getByText(/^One training step of plain-14 takes/)).toBeVisible({
    timeout: 90_000,
  });
  // A bar a layer with weights, one for the batch, the loss and the update; each kernel in the table.
  await expect(page.locator('.layer-time')).toHaveCount(14 + 3);
  await expect(page.getByRole('row', { name: /^conv2d_grad_weight/ })).toBeVisible();
  await expect(page.getByText(/needs at least .* KiB at once/)).toBeVisible();
  const layers = page.getByRole('img', { name: /Time by layer of plain-14/ });
  await layers.focus();
  const first = page.locator('.layer-times figcaption b');
  for (let i = 0; i < 17; i++) await layers.press('ArrowLeft');
  await expect(first).toHaveText('batch');
  await layers.press('ArrowRight');
  await expect(first).toHaveText('conv1');

  await expect(state(page)).toHaveText('Finished', { timeout: 90_000 });
  await expect.poll(shown).toEqual([8, 8, 8, 8]);
  expect(await errors()).toEqual(unmeasured);
});

test('the device says what to expect, and how far off that was', async ({ page }) => {
  await open(page, `${TINY}&steps=200`);
  await page.getByRole('tab', { name: 'Profile' }).click();
  const present = page.getByRole('row', { name: /^these settings/ });
  await expect(present.getByRole('cell')).toHaveText(['–', '–']);
  await button(page, 'Measure this device').click();
  await expect(present.getByRole('cell').first()).toHaveText(/^[\d.,]+ ms/, { timeout: 90_000 });
  await expect(present.getByRole('cell').last()).toHaveText(/second|minute/);
  await button(page, 'Stop').click();
  await button(page, 'Start').click();
  await expect(present.getByText(/^now [\d.,]+ ms: off by [+−]/)).toBeVisible({ timeout: 90_000 });
});

test('variants of the kernels are tried on this device, pinned, and kept for the next visit', async ({
  page,
}) => {
  await open(page, `${TINY}&steps=30`);
  await page.getByRole('tab', { name: 'Profile' }).click();
  const variants = page.getByRole('region', { name: 'Kernel variants' });
  await expect(variants.getByRole('status')).toHaveText(/^In use: quad, usual for/);
  await button(page, 'Try them here').click();
  await expect(variants.getByRole('row', { name: /^software/ })).toBeVisible({ timeout: 90_000 });
  for (const name of ['quad', 'software']) {
    const cells = variants.getByRole('row', { name: new RegExp(`^${name}`) }).getByRole('cell');
    await expect(cells.first()).toHaveText(/^[\d.,]+$/);
    expect(Number(await cells.last().textContent())).toBeLessThan(1);
  }
  await expect(variants.getByRole('status')).toHaveText(/^In use: (quad|software), the fastest/);
  await variants.getByRole('combobox').selectOption('software');
  await expect(variants.getByRole('status')).toHaveText('In use: software, as you chose.');
  await page.reload();
  await page.getByRole('tab', { name: 'Profile' }).click();
  await expect(variants.getByRole('status')).toHaveText('In use: software, as you chose.');
});

test('the share of the GPU is kept for the next visit, and stands in no link', async ({ page }) => {
  await open(page, `${TINY}&steps=30`);
  const share = page.getByRole('slider', { name: 'GPU share' });
  await page.getByRole('tab', { name: 'Settings' }).click();
  await expect(share).toHaveAttribute('aria-valuenow', '100');
  await share.focus();
  await share.press('ArrowLeft');
  await share.press('ArrowLeft');
  const address = page.url();
  await page.reload();
  expect(page.url()).toBe(address);
  await page.getByRole('tab', { name: 'Settings' }).click();
  await expect(share).toHaveAttribute('aria-valuenow', '90');
});
