/**
 * The hub that pages in Chromium fetch from, beside the tests' own server and so of another origin. The
 * first part of a path says how it behaves: /well, /breaking and /stalling (every first request breaks off, or stalls),
 * /secret (no other page may read it).
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
    const [, then] = /^\/(break|stall)ing\//.exec(url) ?? [];
    if (then && headers.range === 'bytes=0-') {
      const how = { length: 10_000, then: then as 'break' | 'stall' };
      return (request, response, whole) => serve(request, response, whole, how);
    }
    if (!url.startsWith('/secret/')) return null;
    return (_, response, whole) => void response.writeHead(200).end(whole);
  });
  project.provide('hub', address);
  return close;
}
