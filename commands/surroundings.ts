/** What the front end needs of the process it runs in, so that tests can stand in for it. */

import type { Handle } from "../broker/handle/mod.ts";
import type { Message } from "../broker/message/mod.ts";
import type { TerminalSize } from "../broker/ports/spawner.ts";

/** The terminal that standard input is. */
export interface Terminal {
  size(): TerminalSize;
  /** Every key comes as it is typed, Ctrl-C too, nothing is echoed, and output is left alone, until the result is called. */
  raw(): Promise<() => void>;
  /** Calls `heard` when its size has changed; the result stops that. */
  onResize(heard: () => void): () => void;
}

export interface Surroundings {
  env(name: string): string | undefined;
  setEnv(name: string, value: string): void;
  /** Writes all of `bytes` to standard output, or rejects. */
  write(bytes: Uint8Array): Promise<void>;
  /** Writes all of `bytes` to standard error, or rejects. */
  writeError(bytes: Uint8Array): Promise<void>;
  /** Reads standard input into `into`; the number of bytes, null at its end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes `text` to standard error. */
  complain(text: string): void;
  /** The width of the terminal, or what stands for it. */
  columns(): number;
  /** Undefined when standard input is no terminal. */
  terminal(): Terminal | undefined;
  /** Calls `heard` at each of these signals instead of their default; the result stops that. */
  onSignal(signals: readonly Deno.Signal[], heard: (signal: Deno.Signal) => void): () => void;
  /** Ends the process at once. */
  exit(status: number): never;
  /** Connects to a broker; see `open` of broker/handle. */
  open(uri: string): Promise<Handle>;
  /** Becomes another program with these words, found on PATH unless it has a slash. Throws FluxError when it cannot. */
  become(words: readonly string[]): Promise<never>;
}

const utf8 = new TextEncoder();

/** The process itself. */
export const system: Surroundings = {
  env: (name) => Deno.env.get(name),
  setEnv: (name, value) => Deno.env.set(name, value),
  async write(bytes) {
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
  },
  async writeError(bytes) {
    for (let at = 0; at < bytes.length;) at += await Deno.stderr.write(bytes.subarray(at));
  },
  read: (into) => Deno.stdin.read(into),
  complain(text) {
    const bytes = utf8.encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
    } catch {
      // Nobody reads standard error: there is no place left to say so.
    }
  },
  columns() {
    const given = Number(Deno.env.get("COLUMNS"));
    if (Number.isInteger(given) && given > 0) return given;
    try {
      return Deno.stdout.isTerminal() ? Deno.consoleSize().columns || 80 : 80;
    } catch {
      return 80;
    }
  },
  terminal() {
    if (!Deno.stdin.isTerminal()) return undefined;
    return {
      size() {
        // One that was never told its size says 0.
        try {
          const { columns, rows } = Deno.consoleSize();
          return { columns: columns || 80, rows: rows || 24 };
        } catch {
          return { columns: 80, rows: 24 };
        }
      },
      raw: async () => (await import("./raw_terminal.ts")).makeRaw(),
      onResize: (heard) => system.onSignal(["SIGWINCH"], heard),
    };
  },
  onSignal(signals, heard) {
    const listeners = signals.map((signal) => [signal, () => heard(signal)] as const);
    for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
    return () => {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    };
  },
  exit: (status) => Deno.exit(status),
  open: async (uri) => {
    const trace = Deno.env.get("FLUX_HANDLE_TRACE") === "1" ? await tracer() : undefined;
    return (await import("../broker/handle/mod.ts")).open(uri, trace);
  },
  become: async (words) => (await import("./exec_program.ts")).execProgram(words),
};

/** Prints messages on standard error as `flux snoop` does. */
async function tracer(): Promise<(message: Message) => void> {
  const { encode } = await import("../broker/message/mod.ts");
  const { dumpMessage } = await import("./render/message_dump.ts");
  const utf8 = new TextEncoder();
  return (message) => void Deno.stderr.writeSync(utf8.encode(`${dumpMessage(message, encode(message), true)}\n`));
}
