/** The builder as a person uses it: a network from nothing, by mouse and keyboard, that trains, is saved and opened again. */
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from '@playwright/test';
import { expect } from '@playwright/test';
import { networkSpec } from '../../src/network/spec.ts';
import type { FeaturesAnswer } from '../../src/worker/protocol.ts';
import { SIZES, button, cell, overflow, test } from './page.ts';

const TINY = 'width=4&size=8&batch=8&warmup=0&evalEvery=4&steps=4&networks=plain-8';

const layer = (page: Page, path: string) => page.getByRole('row', { name: path, exact: true });
const names = (page: Page) =>
  page
    .locator('.build-rows [role=row][aria-label]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label')));

async function add(page: Page, title: string | RegExp): Promise<void> {
  await button(page, 'Add').click();
  await page.getByRole('menuitem', { name: title }).click();
}

async function fill(field: Locator, value: string): Promise<void> {
  await field.fill(value);
  await field.press('Enter');
}

async function save(page: Page, format: string): Promise<string> {
  await button(page, 'Save').click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: format }).click(),
  ]);
  return download.path();
}

declare global {
  interface Window {
    /** Answers of the worker about layers, as they came. */
    heard: { network: string; path: string; picture: string; output: number[] }[];
  }
}

/** Keeps what the worker answers the inspector: the screen rounds it. */
const listen = (page: Page) =>
  page.addInitScript(() => {
    window.heard = [];
    const add = MessagePort.prototype.addEventListener;
    MessagePort.prototype.addEventListener = function (...args: Parameters<typeof add>) {
      add.call(this, 'message', (event) => {
        const { value } = (event as MessageEvent<{ value?: Partial<FeaturesAnswer> }>).data;
        if (!value?.output || !value.picture) return;
        const { network = '', path = '', picture, output } = value;
        window.heard.push({
          network,
          path,
          picture: picture.data.join(),
          output: [...output.data],
        });
      });
      add.apply(this, args);
    };
  });

/** Logits of a network for three test pictures, by picture, to the last bit. */
async function logits(page: Page, network: string): Promise<Record<string, number[]>> {
  await page.evaluate(() => (window.heard = []));
  const heard = () =>
    page.evaluate(
      (network) =>
        Object.fromEntries(
          window.heard
            .filter((answer) => answer.network === network && answer.path === 'fc')
            .map(({ picture, output }) => [picture, output]),
        ),
      network,
    );
  for (const [seen, image] of [0, 1, 5].entries()) {
    await page.goto(`#/inspect?network=${network}&layer=fc&image=${image}`);
    await expect.poll(async () => Object.keys(await heard()).length).toBe(seen + 1);
  }
  return heard();
}

/** Trains the network on the board beside those that take part, to the end; gives its row of the table. */
async function train(page: Page, name: string): Promise<string[]> {
  await button(page, 'Train it').click();
  await page.getByRole('menuitem', { name: /^Beside the others/ }).click();
  // The status may still be that of the experiment before: its iterations tell them apart.
  await expect.poll(() => cell(page, name, 'Iterations'), { timeout: 120_000 }).toBe('4');
  await expect(page.locator('.status').getByRole('status')).toHaveText('Finished');
  const headings = ['Train error', 'Test error', 'Iterations', 'Parameters'];
  return Promise.all(headings.map((heading) => cell(page, name, heading)));
}

test('a residual network with group norm, GELU and dropout is built by hand, trains, and is the same when it is opened again', async ({
  page,
}) => {
  await listen(page);
  await page.goto(`#/?${TINY}`);
  await expect(button(page, 'Start')).toBeEnabled({ timeout: 90_000 });
  await page.getByRole('link', { name: 'Build', exact: true }).click();
  await button(page, 'Templates').click();
  await page.getByRole('menuitem', { name: /^Empty/ }).click();
  await expect(page.getByText('ends with 3×8×8; a score for each of 10 classes')).toBeVisible();
  await expect(button(page, 'Train it')).toBeDisabled();
  await fill(page.getByRole('textbox', { name: 'Name of the network' }), 'by-hand');

  // By mouse: a stem, a block and what is in it, and the end.
  await add(page, /^Convolution/);
  await fill(page.getByRole('spinbutton', { name: 'Output channels' }), '8');
  await add(page, /^Residual block/);
  await add(page, /^Convolution/);
  await fill(page.getByRole('spinbutton', { name: 'Output channels' }), '8');
  await add(page, /^Group norm/);
  await fill(page.getByRole('spinbutton', { name: 'Groups' }), '3');
  // What cannot be is said at its layer; the rest goes on.
  await expect(layer(page, 'block.gn')).toContainText('8 channels do not divide into 3 groups');
  await expect(layer(page, 'block')).toContainText('8×8×8');
  await fill(page.getByRole('spinbutton', { name: 'Groups' }), '2');
  await expect(layer(page, 'block.gn')).not.toContainText('do not divide');
  await add(page, /^GELU/);
  await layer(page, 'block').click();
  await add(page, /^Global average pooling/);
  await add(page, /^Dropout x|^Dropout(?! of)/);
  await add(page, /^Linear layer/);
  await expect(page.getByText('Everything fits')).toBeVisible();
  await expect(button(page, 'Train it')).toBeEnabled();
  const built = [
    'conv',
    'block',
    'block.conv',
    'block.gn',
    'block.gelu',
    'avgpool',
    'dropout',
    'fc',
  ];
  expect(await names(page)).toEqual(built);

  // By keyboard: move, duplicate, fold, wrap, undo all of it, and redo.
  await layer(page, 'block.gelu').click();
  await page.keyboard.press('Alt+ArrowUp');
  expect((await names(page)).slice(2, 5)).toEqual(['block.conv', 'block.gelu', 'block.gn']);
  await page.keyboard.press('Control+d');
  expect(await names(page)).toContain('block.gelu2');
  await page.keyboard.press('Control+g');
  expect(await names(page)).toContain('block.block.gelu2');
  await page.keyboard.press('Alt+ArrowLeft');
  expect(await names(page)).toContain('block2.gelu2');
  await page.keyboard.press('Alt+ArrowRight');
  expect(await names(page)).toContain('block.block2.gelu2');
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  await layer(page, 'block.block').click();
  await page.keyboard.press('ArrowLeft');
  await expect(layer(page, 'block.block')).toHaveAttribute('aria-expanded', 'false');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Control+z');
  expect(await names(page)).toEqual(built);
  for (let i = 0; i < 3; i++) await page.keyboard.press('Control+y');
  expect(await names(page)).toContain('block.block');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Control+z');

  // By drag: GELU before the norm, then back.
  await layer(page, 'block.gelu').dragTo(layer(page, 'block.gn'), {
    targetPosition: { x: 90, y: 4 },
  });
  await expect
    .poll(() => names(page))
    .toEqual([...built.slice(0, 3), 'block.gelu', 'block.gn', ...built.slice(5)]);
  await button(page, 'Undo (Ctrl+Z)').click();

  const file = await save(page, 'Network as JSON');
  const text = await readFile(file, 'utf8');
  expect(networkSpec.parse(JSON.parse(text))).toMatchObject({ version: 1, name: 'by-hand' });
  const drawing = await readFile(await save(page, 'Drawing as SVG'), 'utf8');
  expect(drawing).toMatch(/^<svg[^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  expect(drawing).toContain('by-hand');
  const picture = await readFile(await save(page, 'Drawing as PNG'));
  expect(picture.subarray(1, 4).toString()).toBe('PNG');

  const first = await train(page, 'by-hand');
  expect(first[2]).toBe('4');
  const answers = await logits(page, 'by-hand');
  for (const each of Object.values(answers)) expect(new Set(each).size).toBe(10);

  // Opened again under another name it has the same weights, sees the same images, learns the same and gives the same
  // outputs, bit for bit.
  await page.getByRole('link', { name: 'Build', exact: true }).click();
  await button(page, 'Templates').click();
  await page.getByRole('menuitem', { name: /^Linear classifier/ }).click();
  await page.locator('input[type=file]').setInputFiles({
    name: 'again.json',
    mimeType: 'application/json',
    buffer: Buffer.from(text.replace('"by-hand"', '"again"')),
  });
  await expect.poll(() => names(page)).toEqual(built);
  expect(await train(page, 'again')).toEqual(first);
  expect(await cell(page, 'by-hand', 'Test error')).toBe(first[1]);
  expect(await logits(page, 'again')).toEqual(answers);
  expect(await logits(page, 'by-hand')).toEqual(answers);

  // What is no longer wanted is deleted from the experiment.
  await page.getByRole('link', { name: 'Experiment' }).click();
  await page.getByRole('tab', { name: 'Settings' }).click();
  await button(page, 'Delete by-hand from the experiment').click();
  await expect(page.getByRole('checkbox', { name: 'by-hand takes part' })).toBeHidden();
  await page.getByRole('button', { name: 'Reset and apply' }).click();
  await expect(button(page, 'by-hand')).toBeHidden();
  await expect(button(page, 'again')).toBeVisible();

  // A file that does not fit says where, and the board stays as it is.
  await page.getByRole('link', { name: 'Build', exact: true }).click();
  await page.locator('input[type=file]').setInputFiles({
    name: 'broken.json',
    mimeType: 'application/json',
    buffer: Buffer.from(text.replace('"kernel": 3', '"kernel": -3')),
  });
  await expect(page.getByRole('alert')).toContainText('broken.json: layers[0].kernel');
  expect(await names(page)).toEqual(built);

  // The link alone brings the network back.
  const link = new URL(page.url());
  expect(link.hash.length).toBeLessThan(1200);
  await page.evaluate(() => localStorage.removeItem('fathom.build'));
  await page.reload();
  await expect(layer(page, 'block.gelu')).toBeVisible();
  expect(await names(page)).toEqual(built);
});

test('is readable on every screen and in both languages, and 110 layers as well as 8', async ({
  page,
}) => {
  for (const language of ['English', '中文']) {
    await page.goto('#/build');
    await page.getByRole('radio', { name: language }).click();
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      await expect(layer(page, 'conv1')).toBeVisible();
      expect(await overflow(page), `${language} ${width}`).toBeLessThanOrEqual(0);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole('radio', { name: 'English' }).click();
  await layer(page, 'layer1').click();
  await page.keyboard.press('ArrowRight');
  for (const stage of ['layer1', 'layer2', 'layer3']) {
    await layer(page, `${stage}.2`).click();
    await button(page, 'Repeat').click();
    await fill(page.getByRole('spinbutton', { name: 'How many in all' }), '16');
    await page.getByRole('dialog').getByRole('button', { name: 'Repeat' }).click();
  }
  await expect(page.locator('.build-totals')).toContainText(/Depth\s*110/);
  await button(page, 'Fold all').click();
  expect((await names(page)).length).toBeLessThan(10);
  await expect(page.locator('.build-drawing')).toContainText('×18');
});
