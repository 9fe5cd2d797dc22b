/** A descriptor that becomes readable at a time that is set, and anew as often as one likes: timerfd_create(2). */

import { libc } from "./library.ts";

const CLOCK_MONOTONIC = 1;
const TFD_NONBLOCK_CLOEXEC = 0x80800;
/** The longest that is waited, s (68 years). */
const LONGEST = 2 ** 31 - 1;

/** `struct itimerspec`: interval and value, each of seconds and nanoseconds in 64 bits (little-endian). */
const spec = new Int32Array(8), specBytes = new Uint8Array(spec.buffer);
const SECONDS = 4, NANOSECONDS = 6;

export class TimerDescriptor {
  readonly fd: number = libc().timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK_CLOEXEC);

  /** Readable `ms` from now, not earlier; never when that is Infinity. Until then it is not readable, whatever it was before. */
  set(ms: number): void {
    // Zero would be never.
    const us = ms === Infinity ? 0 : Math.max(1, Math.ceil(ms * 1000));
    const seconds = Math.floor(us / 1e6);
    spec[SECONDS] = Math.min(LONGEST, seconds);
    spec[NANOSECONDS] = (us - seconds * 1e6) * 1000;
    libc().timerfd_settime(this.fd, 0, specBytes, null);
  }

  close(): void {
    libc().close(this.fd);
  }
}
