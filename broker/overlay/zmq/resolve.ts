/**
 * Names of hosts, looked up by the C library as every other program on the machine does. libzmq would do it in its only
 * thread for all connections; here a thread of Deno's pool waits.
 */

import { FluxError } from "../../message/mod.ts";
import { libcNames } from "./library.ts";

const AF_INET = 2, AF_INET6 = 10, SOCK_STREAM = 1;
/** Offsets in `struct addrinfo` of a 64-bit glibc, and in `sockaddr_in` and `sockaddr_in6`. */
const INFO = { socktype: 8, size: 48, address: 24, next: 40 }, SOCKADDR = { v4: 4, v6: 8, size: 28 };

const NUMERIC = /^(\d+\.){3}\d+$|:/;
const encoder = new TextEncoder();

/** True for an IPv4 or IPv6 address in digits. */
export function isNumeric(host: string): boolean {
  return NUMERIC.test(host);
}

/** The addresses of `host`, the best first, never none. Throws EHOSTUNREACH with the resolver's reason. */
export async function resolveHost(host: string): Promise<string[]> {
  const { getaddrinfo, freeaddrinfo, gai_strerror } = libcNames();
  const hints = new Int32Array(INFO.size / 4), result = new BigUint64Array(1);
  hints[INFO.socktype / 4] = SOCK_STREAM;
  const failure = await getaddrinfo(encoder.encode(`${host}\0`), null, new Uint8Array(hints.buffer), bytesOf(result));
  if (failure !== 0) {
    const reason = Deno.UnsafePointerView.getCString(gai_strerror(failure)!);
    throw new FluxError("EHOSTUNREACH", `${host}: ${reason}`);
  }
  const first = Deno.UnsafePointer.create(result[0]!);
  const found = new Set<string>();
  for (let info = first; info !== null;) {
    const view = new Deno.UnsafePointerView(info);
    const text = addressText(view.getPointer(INFO.address));
    if (text !== undefined) found.add(text);
    info = view.getPointer(INFO.next);
  }
  freeaddrinfo(first);
  if (found.size === 0) throw new FluxError("EHOSTUNREACH", `${host}: no address`);
  return [...found];
}

function addressText(sockaddr: Deno.PointerValue): string | undefined {
  if (sockaddr === null) return undefined;
  const view = new Deno.UnsafePointerView(sockaddr);
  if (view.getUint16(0) === AF_INET) return [0, 1, 2, 3].map((at) => view.getUint8(SOCKADDR.v4 + at)).join(".");
  if (view.getUint16(0) !== AF_INET6) return undefined;
  const group = (at: number) =>
    (view.getUint8(SOCKADDR.v6 + at) << 8 | view.getUint8(SOCKADDR.v6 + at + 1)).toString(16);
  return [0, 2, 4, 6, 8, 10, 12, 14].map(group).join(":");
}

function bytesOf(numbers: BigUint64Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(numbers.buffer);
}
