/** What every chapter offers: prepared states and experiments whose links say all, and nothing that is refused. */
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CHAPTER_IDS } from '../../src/app/chapters/chapter.ts';
import type { Chapter } from '../../src/app/chapters/chapter.ts';
import { readLink, writeLink } from '../../src/app/chapters/link.ts';
import { parseLink } from '../../src/app/link.ts';

// Chapters reach for the window when they are loaded.
vi.stubGlobal('window', { matchMedia: () => ({ matches: false, addEventListener: vi.fn() }) });
afterAll(() => void vi.unstubAllGlobals());

const modules = import.meta.glob('../../src/app/chapters/*/index.tsx');
const CHAPTERS = await Promise.all(
  CHAPTER_IDS.map(async (id) => {
    const load = modules[`../../src/app/chapters/${id}/index.tsx`]!;
    return ((await load()) as { default: Chapter }).default;
  }),
);

/** What experiments of some chapters must hold beside each other. */
const TRIED: Record<string, string[]> = {
  normalization: ['batch=2&', 'batch=8&', 'batch=32&'],
  dropout: ['plain-8,plain-8.dropout50&trainCount='],
  initialization: ['plain-20.no_norm.init_small,plain-20.no_norm.init_xavier,plain-20.no_norm&'],
};

describe.each(CHAPTERS)('the chapter $id', ({ id, link, states, tries }) => {
  it('opens at its first prepared state, and each of them is a link of its own', () => {
    expect(states[0]).toEqual({ name: 'opening', state: {} });
    const links = states.map(({ state }) => {
      const whole = link.parse(state);
      // What else the link says of the page stays.
      const query = writeLink(link, whole, 'present=1&hide=text,tries');
      expect(query).toMatch(/^present=1&hide=text,tries/);
      expect(readLink(link, query)).toEqual({ state: whole, refused: [] });
      return query;
    });
    expect(new Set(links).size).toBe(states.length);
  });

  it('opens experiments that are configured as their links say', () => {
    expect(tries.length).toBeGreaterThan(0);
    for (const { name, query } of tries) {
      const { given, problems } = parseLink(query);
      expect(problems, name).toEqual([]);
      expect(Object.keys(given), name).toEqual([...new URLSearchParams(query).keys()]);
    }
    for (const part of TRIED[id] ?? [])
      expect(tries.filter(({ query }) => query.includes(part))).toHaveLength(1);
  });
});
