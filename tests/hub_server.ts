/** A hub on loopback: the fixtures under the hub's paths, with ranges, and readable by other origins. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where the fixtures of a repository lie. */
const FOLDERS: Record<string, string> = {
  'uoft-cs/cifar10': 'cifar10',
  'uoft-cs/cifar100': 'cifar100',
  'zalando-datasets/fashion_mnist': 'fashion-mnist',
  'ylecun/mnist': 'fashion-mnist',
  'ufldl-stanford/svhn': 'cifar10',
};

/** What the hub does with a request in place of its duty; `whole` is the file that was asked for. */
export type Mishap = (
  request: IncomingMessage,
  response: ServerResponse,
  whole: Uint8Array,
) => void;

/** Answers as the hub does, up to `length` bytes before the connection breaks or stays silent. */
export function serve(
  { headers }: IncomingMessage,
  response: ServerResponse,
  whole: Uint8Array,
  {
    etag = '"1"',
    length = Infinity,
    then = 'break',
  }: {
    /** Null for a server that does not tell versions apart. */
    etag?: string | null;
    length?: number;
    then?: 'break' | 'stall';
  } = {},
): void {
  response.setHeader('access-control-allow-origin', '*');
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]);
  if (from >= whole.length) return void response.writeHead(416).end();
  const body = whole.subarray(from);
  response.writeHead(206, {
    ...(etag !== null && { etag }),
    'access-control-expose-headers': 'etag',
    'content-type': 'binary/octet-stream',
    'content-length': body.length,
    'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}`,
  });
  if (length >= body.length) return void response.end(body);
  response.write(body.subarray(0, length), () => {
    if (then === 'break') setTimeout(() => response.destroy(), 20);
  });
}

export interface HubServer {
  address: string;
  close: () => void;
}

/** Starts a hub. `onRequest` hears of every file asked for, and may give a mishap for it. */
export async function startHub(
  onRequest: (path: string, request: IncomingMessage) => Mishap | null,
): Promise<HubServer> {
  const server = createServer((request, response) => {
    const [, repository = '', path = ''] =
      /([^/]+\/[^/]+)\/resolve\/main\/(.+)$/.exec(request.url ?? '') ?? [];
    const folder = FOLDERS[repository];
    const mishap = onRequest(path, request);
    if (!folder) return void response.writeHead(404).end();
    const fixture = `./fixtures/hub/${folder}/${path.replace(/^.*\//, '')}`;
    const whole = new Uint8Array(readFileSync(new URL(fixture, import.meta.url)));
    if (mishap) mishap(request, response, whole);
    else serve(request, response, whole);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, close: () => server.close() };
}
