/**
 * Runs one command: reads its words, connects when it asks, prints its records while they come, and settles every way
 * in which it can end: status, wrong usage, error, signal, a reader of its output that went away.
 */

import { type Command, CommandError, type Context, type HeardSignal, Interrupted, UsageError } from "./command.ts";
import { within } from "./deadline.ts";
import { type Call, CallError, readCall, rootLeaf } from "./leaf.ts";
import type { OptionTable } from "./options.ts";
import { Output } from "./render/output.ts";
import { type Renderer, renderer } from "./render/records.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Handle } from "../broker/handle/mod.ts";

/** Runs `command` with the words behind its name; resolves to the exit status. */
export async function runCommand(command: Command, words: readonly string[], around: Surroundings): Promise<number> {
  let call: Call;
  try {
    call = readCall(rootLeaf(command), words);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const { text, status } = (await import("./errors.ts")).callVerdict(error, around.columns());
    around.complain(text);
    return status;
  }
  if (call.help) {
    const { commandHelp } = await import("./render/help_text.ts");
    await around.write(new TextEncoder().encode(commandHelp(call.leaf, around.columns())));
    return 0;
  }
  return await new Run(call, around).settle();
}

/** A broker that takes nothing from us for this long is stuck, ms. */
const DELIVERY_TIMEOUT = 10_000;
const SIGNALS: readonly HeardSignal[] = ["SIGINT", "SIGTERM"];
const WITH_ALARM: readonly HeardSignal[] = [...SIGNALS, "SIGALRM"];
/** What is left to do when nobody reads our output takes no longer, ms. */
const FAREWELL_TIMEOUT = 2000;

class Run {
  readonly #call: Call;
  readonly #around: Surroundings;
  readonly #output: Output;
  readonly #errors: Output;
  readonly #abort = new AbortController();
  /** Ends the run from outside: a second signal, or the output's reader gone. */
  readonly #cut = Promise.withResolvers<never>();
  #connection: Promise<Handle> | undefined;
  #handle: Handle | undefined;
  #signalled: Interrupted | undefined;
  #unread: (() => Promise<void>) | undefined;
  #listener: ((signal: HeardSignal) => void) | undefined;

  constructor(call: Call, around: Surroundings) {
    this.#call = call;
    this.#around = around;
    this.#output = new Output((bytes) => around.write(bytes).catch(unwritable));
    this.#errors = new Output((bytes) => around.writeError(bytes));
    for (const { broken } of [this.#output, this.#errors]) broken.catch((error) => this.#cut.reject(error));
    this.#cut.promise.catch(() => {});
  }

  async settle(): Promise<number> {
    const { command } = this.#call.leaf;
    const deaf = command.signal
      ? this.#around.onSignal(command.signal === "alarm" ? WITH_ALARM : SIGNALS, (signal) => this.#heard(signal))
      : undefined;
    try {
      const status = await Promise.race([this.#run(), this.#cut.promise]);
      await this.#delivered();
      return status ?? this.#signalled?.status ?? 0;
    } catch (error) {
      return await this.#failed(error);
    } finally {
      this.#abort.abort();
      this.#handle?.close();
      deaf?.();
    }
  }

  /** What is not answered, such as an event, must have reached the broker before we may exit. */
  async #delivered(): Promise<void> {
    if (this.#handle) await within(DELIVERY_TIMEOUT, this.#handle.drain());
  }

  /** The status the command returned, once everything it printed is written. */
  async #run(): Promise<number | void> {
    const { leaf, opts, args, json } = this.#call;
    if (!leaf.command.run) throw new UsageError("");
    const context: Context<OptionTable> = {
      opts,
      args,
      json,
      signal: this.#abort.signal,
      connect: () => this.#connection ??= this.#connect(),
      warn: (text) => this.#around.complain(`${leaf.prog}: ${text}\n`),
      printError: (chunk) => this.#errors.print(chunk),
      flush: () => this.#flush(),
      read: (into) => this.#around.read(into),
      terminal: () => this.#around.terminal(),
      onUnread: (heard) => this.#unread = heard,
      onSignal: (heard) => this.#listener = heard,
    };
    const running = leaf.command.run(context);
    if (running instanceof Promise) return await running;
    const rendering = renderer(leaf.command, opts, json);
    const status = await this.#print(running, rendering);
    this.#output.print(rendering.end());
    await this.#flush();
    return status;
  }

  async #flush(): Promise<void> {
    await Promise.all([this.#output.flush(), this.#errors.flush()]);
  }

  async #print(records: AsyncGenerator<unknown, number | void>, rendering: Renderer): Promise<number | void> {
    for (;;) {
      const next = await records.next();
      if (next.done) return next.value;
      const text = rendering.record(next.value);
      if (text !== null) await this.#output.print(text);
    }
  }

  async #connect(): Promise<Handle> {
    const uri = this.#around.env("FLUX_URI");
    const hint = "start a session with 'flux start', or set FLUX_URI";
    if (!uri) throw new CommandError("FLUX_URI is not set, so there is no broker to talk to", { hint });
    try {
      return this.#handle = await this.#around.open(uri);
    } catch (error) {
      const { FluxError } = await import("../broker/message/errno.ts");
      if (!(error instanceof FluxError)) throw error;
      throw new CommandError(`cannot connect: ${error.message}`, { hint, cause: error });
    }
  }

  /** What was printed before the failure comes out first. */
  async #failed(error: unknown): Promise<number> {
    if (this.#unread && (error instanceof Deno.errors.BrokenPipe || error instanceof Unwritable)) {
      await within(FAREWELL_TIMEOUT, this.#unread()).catch(() => {});
    }
    const { commandVerdict } = await import("./errors.ts");
    const silent = this.#signalled !== undefined && (this.#abort.signal.reason === error || isAbort(error));
    const trace = Boolean(this.#around.env("FLUX_DEBUG"));
    const cause = silent ? this.#signalled : error;
    const { text, status } = commandVerdict(cause, this.#call, this.#around.columns(), trace);
    await Promise.allSettled([this.#output.flush(), this.#errors.flush()]);
    if (text) this.#around.complain(text);
    return status;
  }

  /** The first signal asks the command to end; the second ends it; unless the command deals with them itself. */
  #heard(signal: Deno.Signal): void {
    if (this.#listener && WITH_ALARM.includes(signal as HeardSignal)) return this.#listener(signal as HeardSignal);
    const status = { SIGINT: 130, SIGALRM: 142 }[signal as string] ?? 143;
    if (this.#signalled) this.#around.exit(status);
    this.#signalled = new Interrupted(status);
    this.#abort.abort(this.#signalled);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Standard output refused a write, and not since its reader is gone. */
class Unwritable extends CommandError {}

/** Standard output refused a write: quietly fatal when its reader is gone, otherwise said. */
function unwritable(error: unknown): never {
  if (error instanceof Deno.errors.BrokenPipe) throw error;
  const reason = error instanceof Error ? error.message.replace(/ \(os error \d+\)/, "") : String(error);
  throw new Unwritable(`cannot write standard output: ${reason}`);
}
