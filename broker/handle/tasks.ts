/**
 * Programs that a module runs on its own broker. They are the broker's children like all others: listed by `flux ps`, each in a
 * session and a process group of its own, killed when the broker dies or ends, and when the module is unloaded.
 */

/** What happens to a task, in order. `output` without bytes is the end of a stream. */
export type TaskNews =
  | { readonly type: "started"; readonly pid: number }
  /** So many bytes more may be written to a stream. */
  | { readonly type: "add-credit"; readonly stream: string; readonly bytes: number }
  | { readonly type: "output"; readonly stream: string; readonly bytes: Uint8Array | undefined }
  /** `status` is the word of wait(2). Output may still come: of what the task has started, or from its pipe. */
  | { readonly type: "finished"; readonly status: number };

export interface TaskStart {
  readonly argv: readonly string[];
  /** The broker's own, unless given. */
  readonly cwd?: string;
  /** The whole environment, the broker's own if it is empty; FLUX_URI is this broker's whatever it says, and PATH has the directory of `flux`. */
  readonly env: Readonly<Record<string, string>>;
  /** It has a standard input that is written to; nothing to read otherwise. */
  readonly input: boolean;
  /**
   * Bytes that may come of its standard output, and of its error, before `grant` is called, and more only by that; without limit
   * unless given. A task without credit is not read, so it waits in its pipe. What comes over channels is never limited.
   */
  readonly credit?: number;
  /** Output comes in whole lines, as far as there are any (lines over 64 KiB in pieces). */
  readonly wholeLines: boolean;
  /** Connected sockets, by the name of the variable that has their descriptor; streams both ways. */
  readonly channels?: readonly string[];
  /** The processors it may run on; those of the broker unless given. */
  readonly cpus?: readonly number[];
  /** Not before `start` has returned. */
  hear(news: TaskNews): void;
}

export interface HostedTask {
  /** 0 before it has started. */
  readonly pid: number;
  /**
   * Resolves when it has ended and all it writes has been read, or when it was given up. Rejects with why it could not be
   * started (ENOENT, EACCES, ENOTDIR …, the text says of what), and ENOBUFS when far more was written to it than it was credited.
   */
  readonly done: Promise<void>;
  /** Signals its process group, also after its own end. Throws ESRCH when nobody of it is left, EPERM, EINVAL. */
  signal(number: number): void;
  /** Writes to a stream; more than the `add-credit` news allow ends the task in the end. */
  write(stream: string, bytes: Uint8Array): void;
  /** Closes a stream behind what was written. */
  end(stream: string): void;
  /** So many bytes of a stream may come besides what may come already. */
  grant(stream: string, bytes: number): void;
  /** Reads no more of a stream, whose end is not waited for: what the task has started may hold it open for ever. */
  drop(stream: string): void;
  /** Kills its group and lets go of its streams; nothing is heard of it any more. */
  abandon(): void;
}

/** The door to tasks. */
export interface Tasks {
  /** Starts a task. Throws EINVAL for a command that is none, ESHUTDOWN when the broker is ending. */
  start(task: TaskStart): HostedTask;
}
