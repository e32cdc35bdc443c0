/**
 * The pages beside the experiment and the chapters, in the order of the menu. Each is a folder, loaded when it is first
 * opened, with its texts; its state stands in its link.
 */
import i18next from 'i18next';
import type { ComponentType } from 'react';

/** What a page is given: the part of its link behind the question mark. */
export interface PageProps {
  query: string;
}

interface PageModule {
  default: ComponentType<PageProps>;
  texts: { en: object; zh: object };
}

const LOADERS = {
  check: () => import('./check/index.tsx'),
} satisfies Record<string, () => Promise<PageModule>>;

export type PageId = keyof typeof LOADERS;

export const PAGE_IDS = Object.keys(LOADERS) as PageId[];

export const isPage = (page: string): page is PageId => Object.hasOwn(LOADERS, page);

/** The page as a component, once its program and its texts are there. */
export async function loadPage(id: PageId): Promise<{ default: ComponentType<PageProps> }> {
  const module: PageModule = await LOADERS[id]();
  i18next.addResourceBundle('en', id, module.texts.en);
  i18next.addResourceBundle('zh', id, module.texts.zh);
  return module;
}
