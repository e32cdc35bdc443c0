/** JSON small enough for an address: deflated, in the alphabet of addresses (base64url, RFC 4648). */
import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate';
import { FathomError } from '../errors.ts';

/** Longer texts are no link that this page wrote; deflate multiplies by a thousand at most. */
const LONGEST = 60_000;

export function pack(value: unknown): string {
  const bytes = deflateSync(strToU8(JSON.stringify(value)), { level: 9 });
  return btoa(strFromU8(bytes, true)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** @throws FathomError `link-damaged` */
export function unpack(text: string): unknown {
  try {
    if (text.length > LONGEST) throw new RangeError(`${text.length} characters`);
    const bytes = strToU8(atob(text.replaceAll('-', '+').replaceAll('_', '/')), true);
    return JSON.parse(strFromU8(inflateSync(bytes)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FathomError('link-damaged', `the link is damaged or cut short (${reason})`, {
      reason,
    });
  }
}
