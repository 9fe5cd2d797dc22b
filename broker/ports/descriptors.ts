/** Waiting for descriptors that Deno does not know, by epoll(7): pipes of tasks, and the ends of tasks. */

import { FluxError } from "../message/mod.ts";

const CLOEXEC = 0o2000000;
const EPOLL_ADD = 1, EPOLL_DEL = 2, EPOLL_MOD = 3;
const EPOLLONESHOT = 1 << 30;
/** Its end is told of whether asked for or not. */
const EVENT_OF = { read: 1, write: 4, end: 0 };
const ENOENT = 2;
/** Bytes of `struct epoll_event`, which is packed on x86-64, and where its data are. */
const EVENT = Deno.build.arch === "x86_64" ? 12 : 16, DATA = EVENT - 8;
/** Events taken at a time. */
const EVENTS = 64;

const open = () =>
  Deno.dlopen("libc.so.6", {
    epoll_create1: { parameters: ["i32"], result: "i32" },
    epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
    epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32", nonblocking: true },
    look: { name: "epoll_wait", parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
    eventfd: { parameters: ["u32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    __errno_location: { parameters: [], result: "pointer" },
  }).symbols;

/**
 * One thread of Deno's pool waits for all descriptors that somebody waits for, as long as there are any, and keeps the process
 * alive meanwhile; epoll takes more of them without being woken.
 */
class Descriptors {
  readonly #libc = open();
  readonly #epoll = this.#libc.epoll_create1(CLOEXEC);
  /** Ready at once when asked for: ends the wait. */
  readonly #wake = this.#libc.eventfd(1, CLOEXEC);
  /** Called once, when the descriptor is ready or was closed. */
  readonly #waiting = new Map<number, () => void>();
  #isRunning = false;

  ready(fd: number, what: keyof typeof EVENT_OF): Promise<void> {
    return new Promise((resolve) => {
      this.#watch(fd, EVENT_OF[what]);
      this.#waiting.set(fd, resolve);
      if (!this.#isRunning) void this.#run();
    });
  }

  close(fd: number): void {
    const waiting = this.#waiting.get(fd);
    if (waiting) {
      this.#waiting.delete(fd);
      this.#libc.epoll_ctl(this.#epoll, EPOLL_DEL, fd, null);
      waiting();
    }
    this.#libc.close(fd);
    if (waiting && this.#waiting.size === 0) this.#watch(this.#wake, EVENT_OF.read);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    const events = new Uint8Array(EVENT * EVENTS);
    while (this.#waiting.size > 0) {
      this.#tell(events, await this.#libc.epoll_wait(this.#epoll, events, EVENTS, -1));
      // What a task's end makes ready comes one after the other: most of it is there by now.
      this.#tell(events, this.#libc.look(this.#epoll, events, EVENTS, 0));
    }
    this.#isRunning = false;
  }

  #tell(events: Uint8Array, count: number): void {
    const view = new DataView(events.buffer);
    for (let i = 0; i < count; i++) {
      const fd = view.getInt32(i * EVENT + DATA, true);
      const waiting = this.#waiting.get(fd);
      this.#waiting.delete(fd);
      waiting?.();
    }
  }

  /** For one event. */
  #watch(fd: number, events: number): void {
    const event = new Uint8Array(EVENT);
    const view = new DataView(event.buffer);
    view.setUint32(0, events | EPOLLONESHOT, true);
    view.setInt32(DATA, fd, true);
    if (this.#libc.epoll_ctl(this.#epoll, EPOLL_MOD, fd, event) === 0) return;
    if (this.#errno() === ENOENT && this.#libc.epoll_ctl(this.#epoll, EPOLL_ADD, fd, event) === 0) return;
    throw new FluxError(this.#errno());
  }

  #errno(): number {
    return new Deno.UnsafePointerView(this.#libc.__errno_location()!).getInt32();
  }
}

let opened: Descriptors | undefined;

/** All of this process. They are closed by `close` alone. */
export const descriptors = {
  /**
   * Resolves when the descriptor can be read or written (`end`: neither), has ended, or is closed here. One wait at a time. Rejects
   * with EPERM for a file.
   */
  ready: (fd: number, what: keyof typeof EVENT_OF): Promise<void> => (opened ??= new Descriptors()).ready(fd, what),
  close: (fd: number): void => (opened ??= new Descriptors()).close(fd),
};
