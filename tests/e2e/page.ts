/**
 * The app's page as the end-to-end tests see it, and a test that fails on any error in the console.
 */
import { test as base, expect } from '@playwright/test';
import type { Page } from '@playwright/test';

/** Networks and pictures so small that a CPU in the role of the GPU trains them in seconds. */
export const TINY =
  'networks=plain-8,plain-14,residual-8,residual-14&width=4&size=8&batch=8&warmup=0&evalEvery=6';
export const NETWORKS = ['plain-8', 'plain-14', 'residual-8', 'residual-14'];

export const test = base.extend<{ quietConsole: undefined }>({
  quietConsole: [
    async ({ page }, use) => {
      const errors: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('response', (response) => {
        if (response.status() >= 400) errors.push(`${response.status()} ${response.url()}`);
      });
      await use(undefined);
      expect(errors).toEqual([]);
    },
    { auto: true },
  ],
});

/** Opens the app with settings in the link, and waits until it could start. */
export async function open(page: Page, settings: string): Promise<void> {
  await page.goto(`#/?${settings}`);
  await expect(button(page, 'Start')).toBeEnabled({ timeout: 90_000 });
}

export function button(page: Page, name: string) {
  return page.getByRole('button', { name, exact: true });
}

/** What the app says it is doing: Ready, Training, Paused, Finished. */
export function state(page: Page) {
  return page.locator('.status').getByRole('status');
}

const table = (page: Page) => page.getByRole('region', { name: 'Networks', exact: true });

/** The row of one network in the table. */
export function row(page: Page, network: string) {
  const name = page.getByRole('button', { name: network, exact: true });
  return table(page).getByRole('row').filter({ has: name });
}

/** What the table says of a network in the column with this heading. */
export async function cell(page: Page, network: string, heading: string): Promise<string> {
  const headings = await table(page).getByRole('columnheader').allInnerTexts();
  const column = headings.findIndex((text) => text.trim() === heading);
  expect(column, `a column "${heading}"`).toBeGreaterThanOrEqual(0);
  return row(page, network).locator('th, td').nth(column).innerText();
}

export async function iterations(page: Page): Promise<number[]> {
  return Promise.all(
    NETWORKS.map(async (network) => Number(await cell(page, network, 'Iterations'))),
  );
}

/** The drawn training curves, which are the dashed ones: one SVG path a network. */
export async function trainingCurves(page: Page): Promise<string[]> {
  const lines = page.locator('.js-plotly-plot .scatterlayer .trace .js-line');
  return lines.evaluateAll((paths) =>
    paths
      .filter((path) => parseFloat(getComputedStyle(path).strokeDasharray) > 0)
      .map((path) => path.getAttribute('d') ?? ''),
  );
}

/** A number as the app writes it, with a true minus sign. */
export const parseNumber = (text: string): number => Number(text.replaceAll('−', '-'));

/** Windows that every screen must fit: a laptop, a projector, a phone. */
export const SIZES = [
  [1440, 900],
  [1024, 768],
  [390, 844],
] as const;

/** Pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** Expects a chapter to fit each of {@link SIZES} in both languages; ends in English, at the largest. */
export async function expectFits(page: Page): Promise<void> {
  for (const [language, letters] of [
    ['中文', /\p{Script=Han}/u],
    ['English', /^\P{Script=Han}+$/u],
  ] as const) {
    await page.getByRole('radio', { name: language }).click();
    await expect(page.getByRole('heading', { level: 2 })).toHaveText(letters);
    for (const [width, height] of SIZES.toReversed()) {
      await page.setViewportSize({ width, height });
      expect(await overflow(page), `${language} at ${width}`).toBeLessThanOrEqual(0);
    }
  }
}

/** Pixels that a presentation hides: of the page below its window, or of the instrument below its frame. */
function hidden(page: Page): Promise<number> {
  return page.evaluate(() => {
    const below = ({ scrollHeight, clientHeight }: Element) => scrollHeight - clientHeight;
    const instrument = document.querySelector('.instrument');
    return Math.max(below(document.documentElement), instrument ? below(instrument) : Infinity);
  });
}

/** Expects all of the present state of a presentation on the projector, in both languages; ends in English. */
export async function expectOnProjector(page: Page): Promise<void> {
  for (const language of ['中文', 'English']) {
    await page.getByRole('radio', { name: language }).click();
    const state = await page.locator('.stepper p').innerText();
    await expect.poll(() => hidden(page), { message: state }).toBeLessThanOrEqual(0);
  }
}

/** Steps by a presenter's remote through the first `count` prepared states of a chapter; expects each to fit the smallest projector. */
export async function present(page: Page, chapter: string, count: number): Promise<void> {
  await page.setViewportSize({ width: 1024, height: 768 });
  await page.goto(`#/${chapter}?present=1`);
  for (let at = 1; at <= count; at++) {
    await expect(page.locator('.stepper')).toContainText(`${at} / `);
    await expect(page.locator('.chapter-waiting')).toHaveCount(0, { timeout: 90_000 });
    await expect(page.locator('.instrument :is(.plot, svg)').first()).toBeVisible();
    await expectOnProjector(page);
    // A radio in focus keeps its keys.
    await page.locator('.stepper p').click();
    if (at < count) await page.keyboard.press('PageDown');
  }
}

/** Drops files on the page, as from the desktop. */
export async function drop(page: Page, files: { name: string; content: Buffer }[]): Promise<void> {
  const transfer = await page.evaluateHandle(
    (sent) => {
      const data = new DataTransfer();
      for (const { name, base64 } of sent) {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        data.items.add(new File([bytes], name));
      }
      return data;
    },
    files.map(({ name, content }) => ({ name, base64: content.toString('base64') })),
  );
  for (const type of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent('body', type, { dataTransfer: transfer });
  }
}
