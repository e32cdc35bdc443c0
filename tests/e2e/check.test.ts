/** “Is this right on my GPU?”: the sweep runs on the visitor's adapter, can be stopped, and gives a report. */
import { expect } from '@playwright/test';
import { button, test } from './page.ts';

test('checks op after op against the reference, stops when asked, and copies a report', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('#/activations');
  await page.getByRole('link', { name: 'Is this right?' }).click();
  await button(page, 'Check this adapter').click();
  await expect(page.getByRole('row').nth(2)).toBeVisible({ timeout: 60_000 });
  await button(page, 'Stop').click();
  await expect(button(page, 'Check this adapter')).toBeEnabled({ timeout: 30_000 });

  const results = await page.getByRole('row').locator('td:last-child').allInnerTexts();
  expect(results.length).toBeGreaterThan(1);
  for (const result of results) expect(result.trim()).toBe('right');

  await button(page, 'Copy report').click();
  const report = await page.evaluate(() => navigator.clipboard.readText());
  expect(report).toContain('adapter: ');
  expect(report.match(/^ok {3}\w+: \d+ samples/gm)).toHaveLength(results.length);
  expect(report).not.toContain('FAIL');
});
