/** Connections that libzmq has accepted, by their descriptors. */

import { libc, libcShutdown } from "./library.ts";

const SHUT_RDWR = 2;
const AF_INET = 2, AF_INET6 = 10;
/** Of `sockaddr_in6`, bytes. */
const ADDRESS_SIZE = 28;

/**
 * Shuts the TCP connection down that `descriptor` stands for, if its other end is still `remote` (`tcp://ADDRESS:PORT`): libzmq may
 * have closed it, and the number may be another connection's by now. What is compared is a duplicate, which stays what it is.
 */
export function endConnection(descriptor: number, remote: string): void {
  const fd = libcShutdown().dup(descriptor);
  if (fd < 0) return;
  if (portOf(fd) === Number(/:(\d+)$/.exec(remote)?.[1])) libcShutdown().shutdown(fd, SHUT_RDWR);
  libc().close(fd);
}

/** The port at the other end; undefined for what is no TCP connection. */
function portOf(fd: number): number | undefined {
  const address = new Uint8Array(ADDRESS_SIZE), length = Uint32Array.of(ADDRESS_SIZE);
  if (libcShutdown().getpeername(fd, address, length) !== 0) return undefined;
  const view = new DataView(address.buffer);
  const family = view.getUint16(0, true);
  return family === AF_INET || family === AF_INET6 ? view.getUint16(2) : undefined;
}
