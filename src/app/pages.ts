/**
 * The pages beside the experiment and the chapters, in the order of the menu. Each is a folder, loaded when it is first
 * opened, with its texts; its state stands in its link.
 */
import i18next from 'i18next';
import { lazy } from 'react';
import type { ComponentType } from 'react';

interface PageModule {
  /** `query` is the part of the link behind the question mark. */
  default: ComponentType<{ query: string }>;
  texts: { en: object; zh: object };
}

const page = (id: string, load: () => Promise<PageModule>) =>
  lazy(async () => {
    const module = await load();
    i18next.addResourceBundle('en', id, module.texts.en);
    i18next.addResourceBundle('zh', id, module.texts.zh);
    return module;
  });

/** The folder's name stands in the address; `pages.<name>` is what the menu says. */
export const PAGES = {
  build: page('build', () => import('./build/index.tsx')),
  inspect: page('inspect', () => import('./inspect/index.tsx')),
  surface: page('surface', () => import('./surface/index.tsx')),
  data: page('data', () => import('./data/index.tsx')),
  check: page('check', () => import('./check/index.tsx')),
};

export type PageId = keyof typeof PAGES;

export const PAGE_IDS = Object.keys(PAGES) as PageId[];

export const isPage = (name: string): name is PageId => Object.hasOwn(PAGES, name);
