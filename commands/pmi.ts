/** `flux pmi`: a test of the PMI server that has started this process, whoever that is. */

import { FluxError, Idset } from "../broker/message/mod.ts";
import { connectPmi, type PmiConnection } from "../broker/pmi/mod.ts";
import { systemClock } from "../broker/ports/mod.ts";
import { command, CommandError, type Context, UsageError } from "./mod.ts";
import type { OptionTable } from "./options.ts";

const VERBOSE = {
  verbose: { short: "v", type: "flag", help: "Show every line, on standard error" },
} as const;
const COUNT = {
  ...VERBOSE,
  count: { short: "n", type: "integer", arg: "N", min: 1, default: 1, help: "Do it N times, one after the other" },
} as const;

/** What rank 0 prints of something that all have done together. */
interface Passage {
  readonly operation: string;
  readonly number: number;
  /** Processes of the program. */
  readonly size: number;
  /** Milliseconds, as rank 0 saw it. */
  readonly time: number;
}

const human = ({ operation, number, size, time }: Passage) =>
  `${operation} ${number}: ${size} task${size === 1 ? "" : "s"}, ${time.toFixed(3)} ms`;

const barrier = command({
  name: "barrier",
  summary: "Wait until all processes of the program have come",
  usage: ["[OPTIONS]"],
  signal: true,
  options: COUNT,
  async *run(context): AsyncGenerator<Passage> {
    none(context.args);
    yield* repeat(context, "barrier", ({ client }) => client.barrier());
  },
  human,
});

const exchange = command({
  name: "exchange",
  summary: "Put a value, wait for the others, get the values of all and check them",
  usage: ["[OPTIONS]"],
  signal: true,
  options: COUNT,
  async *run(context): AsyncGenerator<Passage> {
    none(context.args);
    yield* repeat(context, "exchange", async ({ client, rank, size }, number) => {
      const key = (rank: number) => `flux-pmi-${number}-${rank}`,
        value = (rank: number) => `value-${number}-of-${rank}`;
      await client.put(key(rank), value(rank));
      await client.barrier();
      for (let other = 0; other < size; other++) {
        const found = await client.get(key(other));
        if (found === value(other)) continue;
        throw new CommandError(
          `exchange ${number}: rank ${rank} got "${found}" of rank ${other}, not "${value(other)}"`,
        );
      }
    });
  },
  human,
});

const get = command({
  name: "get",
  summary: "Print the values of keys",
  usage: ["[OPTIONS] KEY..."],
  signal: true,
  options: {
    ...VERBOSE,
    rank: { short: "r", type: "string", arg: "RANKS", default: "0", help: "Print them in these processes (all, 0-3)" },
  },
  async *run(context) {
    const { args, opts } = context;
    if (args.length === 0) throw new UsageError("pmi get: specify one or more keys");
    const ranks = opts.rank === "all" ? undefined : readRanks(opts.rank);
    await using pmi = await open(context);
    if (!ranks || ranks.has(pmi.rank)) {
      for (const key of args) yield { rank: pmi.rank, key, value: await pmi.client.get(key) };
    }
  },
  human: ({ value }) => value,
});

export default command({
  name: "pmi",
  summary: "Test the PMI server that has started this process",
  usage: [],
  options: VERBOSE,
  subcommands: { barrier, exchange, get },
});

type PmiContext = Pick<Context<OptionTable>, "signal" | "warn"> & {
  readonly opts: { readonly verbose: boolean };
};

async function* repeat(
  context: PmiContext & { readonly opts: { readonly count: number } },
  operation: string,
  once: (pmi: PmiConnection, number: number) => Promise<void>,
): AsyncGenerator<Passage> {
  await using pmi = await open(context);
  for (let number = 0; number < context.opts.count; number++) {
    const start = systemClock.now();
    await interruptible(context.signal, once(pmi, number));
    const time = Math.round((systemClock.now() - start) * 1000) / 1000;
    if (pmi.rank === 0) yield { operation, number, size: pmi.size, time };
  }
}

/** Says hello; and goodbye at the end, however it comes, for a process that leaves without takes its whole program along. */
async function open({ opts, warn, signal }: PmiContext): Promise<PmiConnection> {
  const rank = Deno.env.get("PMI_RANK") ?? Deno.env.get("PMI_ID");
  const pmi = await connect((direction, line) => opts.verbose && warn(`${rank} ${direction} ${line}`));
  await interruptible(signal, pmi.client.init());
  const bye = async () => {
    try {
      if (!signal.aborted) await pmi.client.finalize();
    } catch (error) {
      if (!(error instanceof FluxError)) throw error; // told already: the server is gone, or speaks otherwise
    }
    await pmi[Symbol.asyncDispose]();
  };
  return { client: pmi.client, rank: pmi.rank, size: pmi.size, [Symbol.asyncDispose]: bye };
}

async function connect(trace: (direction: "<" | ">", line: string) => void): Promise<PmiConnection> {
  try {
    return await connectPmi((name) => Deno.env.get(name), trace);
  } catch (error) {
    if (!(error instanceof FluxError) || error.code !== "ENOENT") throw error;
    throw new CommandError(error.message, {
      hint: "run it as a program of several tasks: flux wreckrun -n4 flux pmi barrier",
    });
  }
}

/** `work`, unless a signal ends the command first. */
async function interruptible<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function readRanks(text: string): Idset {
  try {
    return Idset.parse(text);
  } catch {
    throw new UsageError(`--rank ${text}: not a list of ranks such as 0-3,8`);
  }
}

function none(args: readonly string[]): void {
  if (args.length > 0) throw new UsageError("no arguments are needed");
}
