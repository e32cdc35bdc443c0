/**
 * The hub that pages in Chromium fetch from, beside the tests' own server and so of another origin. The
 * first part of a path says how it behaves: /well, /breaking (every first request breaks off), /secret
 * (no other page may read it).
 */
import type { TestProject } from 'vitest/node';
import { serve, startHub } from '../hub_server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    hub: string;
  }
}

export default async function start(project: TestProject): Promise<() => void> {
  const { address, close } = await startHub((_, { url = '', headers }) => {
    if (url.startsWith('/breaking/') && headers.range === 'bytes=0-') {
      return (request, response, whole) => serve(request, response, whole, { length: 10_000 });
    }
    if (!url.startsWith('/secret/')) return null;
    return (_, response, whole) => void response.writeHead(200).end(whole);
  });
  project.provide('hub', address);
  return close;
}
