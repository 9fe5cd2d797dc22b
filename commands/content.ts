/** `flux content`: blobs by the digest of their bytes (cli.md §4.16). */

import { blobrefOf, digestOf, FluxError, isBlobref, type JsonObject, strerror } from "../broker/message/mod.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { RANK } from "./ranks.ts";

/** What `store --dry-run` takes, which asks nobody for the limit of the session, bytes. */
const DRY_LIMIT = 1 << 20;

const NO_STORE = "there is no backing store: 'flux module load content-sqlite' makes one";

const BYPASS = {
  "bypass-cache": { short: "b", type: "flag", help: "Go to the backing store, past all caches" },
} as const;

const load = command({
  name: "load",
  summary: "Write blobs to standard output, as they are",
  usage: ["[OPTIONS] BLOBREF..."],
  prog: "flux",
  options: BYPASS,
  async *run({ opts, args, json, connect }): AsyncGenerator<Uint8Array | object, void> {
    if (args.length === 0) throw new UsageError("content load: specify one or more blobrefs");
    const wrong = args.find((word) => !isBlobref(word));
    if (wrong !== undefined) {
      throw new CommandError(`${wrong}: not a blobref`, { hint: "sha1- and 40 hexadecimal digits, in lower case" });
    }
    const handle = await connect();
    const topic = service(opts, "load");
    for (const blobref of args) {
      const blob = await about(topic, handle.rpcRaw(topic, digestOf(blobref))) ?? new Uint8Array(0);
      yield json ? { blobref, base64: blob.toBase64() } : blob;
    }
  },
  human: (blob) => blob as Uint8Array,
});

const store = command({
  name: "store",
  summary: "Store standard input as a blob and print its blobref",
  usage: ["[OPTIONS]"],
  prog: "flux",
  options: {
    ...BYPASS,
    "dry-run": { short: "d", type: "flag", help: "Print the blobref only, without a session (up to 1 MiB)" },
  },
  async *run({ opts, args, connect }) {
    none(args);
    const blob = await new Response(Deno.stdin.readable).bytes();
    if (opts["dry-run"]) {
      if (blob.length > DRY_LIMIT) throw new CommandError("content-store: File too large");
      yield { blobref: blobrefOf(new Uint8Array(await crypto.subtle.digest("SHA-1", blob))) };
      return;
    }
    const handle = await connect();
    const { value: hash } = await handle.rpc<{ value: string }>("attr.get", { name: "content.hash" });
    if (hash !== "sha1") throw new CommandError(`content.hash is ${hash}, and only sha1 is known here`);
    const topic = service(opts, "store");
    const digest = await about(topic, handle.rpcRaw(topic, blob.length > 0 ? blob : undefined));
    yield { blobref: blobrefOf(digest ?? new Uint8Array(0)) };
  },
  human: ({ blobref }) => blobref,
});

const flush = command({
  name: "flush",
  summary: "Wait until all blobs are in the backing store",
  usage: ["[OPTIONS]"],
  prog: "flux",
  options: RANK,
  async run({ opts, args, connect }) {
    none(args);
    await about("content.flush", (await connect()).rpc("content.flush", undefined, at(opts)));
  },
});

const dropcache = command({
  name: "dropcache",
  summary: "Drop cached blobs that are kept elsewhere",
  usage: ["[OPTIONS]"],
  prog: "flux",
  options: RANK,
  async run({ opts, args, connect }) {
    none(args);
    await about("content.dropcache", (await connect()).rpc("content.dropcache", undefined, at(opts)));
  },
});

const stats = command({
  name: "stats",
  summary: "Count the blobs a rank has",
  usage: ["[OPTIONS]"],
  prog: "flux",
  options: RANK,
  async *run({ opts, args, connect }) {
    none(args);
    const handle = await connect();
    yield await about("content.stats.get", handle.rpc<JsonObject>("content.stats.get", undefined, at(opts)));
  },
  human: (counts) => Object.entries(counts).map(([name, value]) => `${name}=${value}`).join("\n"),
});

export default command({
  name: "content",
  summary: "Store and load blobs by the digest of their bytes",
  usage: [],
  prog: "flux",
  options: {},
  subcommands: { load, store, flush, dropcache, stats },
});

function none(args: readonly string[]): void {
  if (args.length > 0) throw new UsageError("no arguments are needed");
}

function at({ rank }: { readonly rank: number | undefined }): { rank?: number } {
  return rank === undefined ? {} : { rank };
}

function service(opts: { readonly "bypass-cache": boolean }, method: string): string {
  return `content${opts["bypass-cache"] ? "-backing" : ""}.${method}`;
}

/** A refusal is told with the method, in the words of 0.1.0; what the service says of it comes second. */
async function about<T>(topic: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    const text = strerror(error.errnum);
    const said = error.message === text ? undefined : error.message;
    const hint = error.code === "ENOSYS" ? NO_STORE : said;
    throw new CommandError(`${topic}: ${text}`, { cause: error, ...(hint !== undefined && { hint }) });
  }
}
