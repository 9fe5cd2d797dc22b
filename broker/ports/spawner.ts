/** The door to processes. */

export interface SpawnOptions {
  argv: readonly string[];
  cwd?: string;
  /** The whole environment of the child; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  stdin: "inherit" | "piped" | "null";
  stdout: "inherit" | "piped" | "null";
  stderr: "inherit" | "piped" | "null";
  /** Puts the child in a process group of its own. */
  detached?: boolean;
}

/** How a process ended. Exactly one of `signal` (its name, such as `"SIGTERM"`) and a meaningful `code` holds. */
export interface ExitStatus {
  code: number;
  signal: string | null;
}

export interface Child {
  readonly pid: number;
  readonly status: Promise<ExitStatus>;
  readonly stdin: WritableStream<Uint8Array> | null;
  readonly stdout: ReadableStream<Uint8Array> | null;
  readonly stderr: ReadableStream<Uint8Array> | null;
  /** Sends a signal by name; a process that has ended is no error. */
  kill(signal: string): void;
}

export interface TaskOptions {
  argv: readonly string[];
  cwd?: string;
  /** The whole environment of the task; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  stdin: "piped" | "null";
  stdout: "inherit" | "piped" | "null";
  stderr: "inherit" | "piped" | "null";
  /** Connected sockets the task finds on its descriptors 3, 4 …: how many. Starting one that has any is slower. */
  channels?: number;
  /** The processors it may run on; those of the broker unless given. EINVAL when there is none of them. */
  cpus?: readonly number[];
}

/** Our end of a socket that a task has. */
export interface TaskChannel {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** A process in a session and a process group of its own, both of which its pid names. */
export interface Task extends Omit<Child, "kill"> {
  readonly channels: readonly TaskChannel[];
  /**
   * Signals the whole group by number: the process, also one that has ended, and all it has started. 0 only looks. False
   * when nobody is left. Throws EPERM, EINVAL for what is no signal.
   */
  signal(number: number): boolean;
  /** Calls `listener` whenever a signal has stopped the process. */
  onStop(listener: () => void): void;
}

export interface Spawner {
  /** Throws FluxError ENOENT, EACCES, ENOTDIR … when the program cannot be started. */
  spawn(options: SpawnOptions): Child;
  /** The same for a task; rejects as `spawn` throws. */
  spawnTask(options: TaskOptions): Promise<Task>;
}
