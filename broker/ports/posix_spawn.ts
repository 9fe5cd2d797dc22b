/**
 * posix_spawn(3): a program as a child in a session of its own. `Deno.Command` can only make a session by way of fork(2), which
 * copies the page tables of a broker and makes it copy pages afterwards: 3 ms of processor time a task, of which this
 * takes half (measured). Needs glibc 2.29 and Linux 5.3, 64 bits.
 */

import { errnum, FluxError } from "../message/mod.ts";
import { descriptors } from "./descriptors.ts";
import { signalName } from "./signals.ts";
import type { ExitStatus } from "./spawner.ts";
import { signalOf } from "./wait_status.ts";

/** Bytes of `posix_spawnattr_t` and `posix_spawn_file_actions_t`, generously. */
const ATTRIBUTES = 512, ACTIONS = 128;
const SETSIGDEF = 0x04, SETSIGMASK = 0x08, SETSID = 0x80;
const SIGSET = 128, SIGPIPE = 13, SIGKILL = 9, SIGCHLD = 17;
/** Signals of the C library's own, which its posix_spawn would leave ignored. */
const INTERNAL = [32, 33];
const O_RDWR = 2, O_CLOEXEC = 0o2000000;
const X_OK = 1;
const PIDFD_OPEN = 434n;

const open = () =>
  Deno.dlopen("libc.so.6", {
    access: { parameters: ["buffer", "i32"], result: "i32" },
    open: { parameters: ["buffer", "i32"], result: "i32" },
    posix_spawn: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
    posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
    posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
    posix_spawnattr_setsigdefault: { parameters: ["buffer", "buffer"], result: "i32" },
    posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
    posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
    posix_spawn_file_actions_addchdir_np: { parameters: ["buffer", "buffer"], result: "i32" },
    posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
    syscall: { parameters: ["i64", "i64", "i64"], result: "i64" },
    waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
    kill: { parameters: ["i32", "i32"], result: "i32" },
    signal: { parameters: ["i32", "pointer"], result: "pointer" },
  }).symbols;

interface Opened {
  readonly libc: ReturnType<typeof open>;
  readonly attributes: Bytes;
  readonly devNull: number;
}

/** Null where the system lacks something. */
let opened: Opened | null | undefined;

type Bytes = Uint8Array<ArrayBuffer>;

export interface SpawnedOptions {
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors of ours that become its standard input, output and error; null is /dev/null. */
  readonly stdio: readonly (number | null)[];
}

/** What runs a program without a first line that names its interpreter, as execvp(3) has it. */
const SHELL = "/bin/sh";
/** So much of a file tells whether it is text, bytes. */
const BEGINNING = 128;

/** Whether this system has what is needed. */
export function hasPosixSpawn(): boolean {
  return (opened ??= prepare()) !== null;
}

/**
 * Starts a program that is found as execvp(3) finds it, in PATH of `env`. Besides `stdio` it inherits what is not
 * closed on exec. Throws the errno of what failed.
 */
export function posixSpawn(options: SpawnedOptions): { readonly pid: number; readonly status: Promise<ExitStatus> } {
  const pid = spawn(options);
  const { libc } = opened!;
  const fd = pidfd(pid);
  if (fd < 0) {
    // No descriptor is left to hear of its end by.
    libc.kill(pid, SIGKILL);
    waitFor(pid);
    throw new FluxError("EMFILE");
  }
  return { pid, status: descriptors.ready(fd, "read").then(() => descriptors.close(fd)).then(() => waitFor(pid)) };
}

/** How a child has ended. */
function waitFor(pid: number): ExitStatus {
  const status = new Int32Array(1);
  opened!.libc.waitpid(pid, bytes(status), 0);
  const word = status[0]!, signal = signalOf(word);
  return signal === 0 ? { code: word >> 8 & 0xff, signal: null } : { code: 128 + signal, signal: signalName(signal) };
}

/** A descriptor that can be read once the process has ended; below 0 when there is none to be had. */
function pidfd(pid: number, { libc } = opened!): number {
  return Number(libc.syscall(PIDFD_OPEN, BigInt(pid), 0n));
}

function spawn({ argv, cwd, env, stdio }: SpawnedOptions): number {
  const { libc, attributes, devNull } = opened!;
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const strings = new Strings([...argv, ...words]);
  const actions = new Uint8Array(ACTIONS);
  libc.posix_spawn_file_actions_init(actions);
  try {
    for (const [fd, ours] of stdio.entries()) libc.posix_spawn_file_actions_adddup2(actions, ours ?? devNull, fd);
    if (cwd !== undefined) libc.posix_spawn_file_actions_addchdir_np(actions, cString(cwd));
    const pid = new Int32Array(1);
    let failure = errnum("ENOENT");
    for (const path of candidates(argv[0] ?? "", cwd, env.PATH)) {
      const file = cString(path);
      if (path !== argv[0] && libc.access(file, X_OK) !== 0) continue;
      const argvPointers = strings.pointers(0, argv.length), envPointers = strings.pointers(argv.length, words.length);
      const errno = libc.posix_spawn(bytes(pid), file, actions, attributes, argvPointers, envPointers);
      if (errno === 0) return pid[0]!;
      failure = errno;
      if (errno === errnum("ENOEXEC") && isText(path.startsWith("/") ? path : `${cwd ?? "."}/${path}`)) {
        return spawn({ argv: [SHELL, path, ...argv.slice(1)], cwd, env, stdio });
      }
      if (path === argv[0] || ![errnum("EACCES"), errnum("ENOENT"), errnum("ENOTDIR")].includes(errno)) break;
    }
    throw new FluxError(failure);
  } finally {
    libc.posix_spawn_file_actions_destroy(actions);
  }
}

/** A shell would make nonsense of anything else, such as a program for another kind of machine. */
function isText(path: string): boolean {
  try {
    using file = Deno.openSync(path);
    const beginning = new Uint8Array(BEGINNING);
    return !beginning.subarray(0, file.readSync(beginning) ?? 0).includes(0);
  } catch {
    return false;
  }
}

/** Where a program may be: a word with a slash is a path, from the directory it will run in. */
function candidates(program: string, cwd: string | undefined, path = "/usr/local/bin:/usr/bin:/bin"): string[] {
  if (program === "" || program.includes("/")) return [program];
  const at = (directory: string) => directory.startsWith("/") || cwd === undefined ? directory : `${cwd}/${directory}`;
  return path.split(":").map((directory) => `${at(directory || ".")}/${program}`);
}

/** Signals as a program expects them: none blocked, none ignored (SIGPIPE is by Deno). */
function prepare(): Opened | null {
  let libc: ReturnType<typeof open>;
  try {
    libc = open();
  } catch {
    return null; // an older C library
  }
  const attributes = new Uint8Array(ATTRIBUTES);
  libc.posix_spawnattr_init(attributes);
  libc.posix_spawnattr_setflags(attributes, SETSIGDEF | SETSIGMASK | SETSID);
  const defaults = new Uint8Array(SIGSET);
  for (const signal of [SIGPIPE, ...INTERNAL]) defaults[(signal - 1) >> 3]! |= 1 << ((signal - 1) & 7);
  libc.posix_spawnattr_setsigdefault(attributes, defaults);
  // Whoever has started us may have left it ignored: then the kernel keeps from us how children end.
  if (isIgnored(SIGCHLD)) libc.signal(SIGCHLD, null);
  const made = { libc, attributes, devNull: libc.open(cString("/dev/null"), O_RDWR | O_CLOEXEC) };
  const self = pidfd(Deno.pid, made);
  if (self < 0) return null; // an older kernel
  descriptors.close(self);
  return made;
}

function isIgnored(signal: number): boolean {
  const ignored = /^SigIgn:\s*(\w+)$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? "0";
  return (BigInt(`0x${ignored}`) >> BigInt(signal - 1) & 1n) === 1n;
}

/** C strings, one behind the other. */
class Strings {
  readonly #addresses: bigint[] = [];
  readonly #bytes: Bytes;

  constructor(strings: readonly string[]) {
    this.#bytes = cString(strings.join("\0"));
    const start = Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.#bytes));
    for (let at = 0; at < this.#bytes.length; at = this.#bytes.indexOf(0, at) + 1) {
      this.#addresses.push(BigInt(start) + BigInt(at));
    }
  }

  /** `count` of their addresses, and a null pointer behind them. */
  pointers(from: number, count: number): Bytes {
    return bytes(new BigUint64Array([...this.#addresses.slice(from, from + count), 0n]));
  }
}

function bytes(array: Int32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): Bytes {
  return new Uint8Array(array.buffer);
}

function cString(text: string): Bytes {
  return new TextEncoder().encode(`${text}\0`);
}
