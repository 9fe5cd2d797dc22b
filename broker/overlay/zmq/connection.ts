/**
 * TCP connections that libzmq has accepted, by their descriptors. libzmq may have closed one, and the number may be another
 * connection's by now: so what is asked and done is for a duplicate, which stays what it is, and only if its other end is the one
 * that is meant (`tcp://ADDRESS:PORT`).
 */

import type { ConnectionDoors } from "./half_open.ts";
import { libc, libcShutdown } from "./library.ts";

const SHUT_RDWR = 2;
const AF_INET = 2, AF_INET6 = 10;
/** Of `sockaddr_in6`, bytes. */
const ADDRESS_SIZE = 28;
const IPPROTO_TCP = 6, TCP_INFO = 11;
/** Where `tcpi_bytes_received` is in `struct tcp_info` (tcp(7), linux/tcp.h; since Linux 4.1). */
const BYTES_RECEIVED = 128, INFO_SIZE = 256;

export const systemConnections: ConnectionDoors = {
  end(descriptor, remote) {
    duplicated(descriptor, remote, (fd) => libcShutdown().shutdown(fd, SHUT_RDWR));
  },
  received: (descriptor, remote) => duplicated(descriptor, remote, bytesReceived),
};

function duplicated<T>(descriptor: number, remote: string, use: (fd: number) => T): T | undefined {
  const fd = libcShutdown().dup(descriptor);
  if (fd < 0) return undefined;
  try {
    return portOf(fd) === Number(/:(\d+)$/.exec(remote)?.[1]) ? use(fd) : undefined;
  } finally {
    libc().close(fd);
  }
}

/** The port at the other end; undefined for what is no TCP connection. */
function portOf(fd: number): number | undefined {
  const address = new Uint8Array(ADDRESS_SIZE), length = Uint32Array.of(ADDRESS_SIZE);
  if (libcShutdown().getpeername(fd, address, length) !== 0) return undefined;
  const view = new DataView(address.buffer);
  const family = view.getUint16(0, true);
  return family === AF_INET || family === AF_INET6 ? view.getUint16(2) : undefined;
}

function bytesReceived(fd: number): number | undefined {
  const info = new Uint8Array(INFO_SIZE), length = Uint32Array.of(INFO_SIZE);
  if (libcShutdown().getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, length) !== 0) return undefined;
  if (length[0]! < BYTES_RECEIVED + 8) return undefined;
  return Number(new DataView(info.buffer).getBigUint64(BYTES_RECEIVED, true));
}
