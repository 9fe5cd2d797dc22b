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

export interface Spawner {
  /** Throws FluxError ENOENT, EACCES, ENOTDIR … when the program cannot be started. */
  spawn(options: SpawnOptions): Child;
}
