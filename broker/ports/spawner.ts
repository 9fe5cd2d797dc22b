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
  /** Sockets that connect the task with us: the task finds the number of each one's descriptor in a variable of this name. */
  channels?: readonly string[];
  /** The processors it may run on; those of the broker unless given. EINVAL when there is none of them. */
  cpus?: readonly number[];
  /** A terminal of this size, the task's own, in place of its three streams: `stdin` writes to it, `stdout` reads it. */
  terminal?: TerminalSize;
}

/** Of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Our end of a socket that a task has. */
export interface TaskChannel {
  /** Resolves to the number of bytes read, null when the other side writes no more. */
  read(into: Uint8Array): Promise<number | null>;
  /** Resolves to the number of bytes taken. Rejects when the other side reads no more. */
  write(bytes: Uint8Array): Promise<number>;
  /** The other side reads an end; it may still write. */
  closeWrite(): Promise<void>;
  close(): void;
}

/** A process in a session and a process group of its own, both of which its pid names. */
export interface Task extends Omit<Child, "kill"> {
  /** In the order in which they were asked for; the caller closes them. */
  readonly channels: readonly TaskChannel[];
  /**
   * Signals the whole group by number: the process, also one that has ended, and all it has started. 0 only looks. False
   * when nobody is left. Throws EPERM, EINVAL for what is no signal.
   */
  signal(number: number): boolean;
  /** Calls `listener` whenever a signal has stopped the process. */
  onStop(listener: () => void): void;
  /** Changes the size of its terminal, of which it hears by SIGWINCH. Only a task with a terminal has it. */
  resize?(size: TerminalSize): void;
}

export interface Spawner {
  /** Throws FluxError ENOENT, EACCES, ENOTDIR … when the program cannot be started. */
  spawn(options: SpawnOptions): Child;
  /** The same for a task; rejects as `spawn` throws. */
  spawnTask(options: TaskOptions): Promise<Task>;
}
