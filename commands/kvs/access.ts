/** How subcommands of `flux kvs` reach the store: namespace, version, and errors that name the key. */

import { FluxError, isBlobref, isErrno, strerror } from "../../broker/message/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { type At, Kvs } from "../../modules/kvs/client.ts";
import { PRIMARY } from "../../modules/kvs/protocol.ts";
import { CommandError } from "../mod.ts";

/** The longest key that is shown whole. */
const SHOWN_CHARS = 200;

/** What these mean follows from the subcommand, so the system's words for them are enough. */
const PLAIN: readonly string[] = ["ENOENT", "EISDIR", "ENOTDIR", "ELOOP"];

interface Opened {
  connect(): Promise<Handle>;
  readonly opts: { readonly namespace: string | undefined };
}

/** The store, in the namespace that was asked for. */
export async function openKvs({ connect, opts }: Opened): Promise<Kvs> {
  return new Kvs(await connect(), { namespace: namespaceOf(opts) });
}

export function namespaceOf({ namespace }: Opened["opts"]): string {
  return namespace ?? (Deno.env.get("FLUX_KVS_NAMESPACE") || PRIMARY);
}

/** What `--at` stands for: a blobref, or the tree object that `getroot` prints. Throws CommandError. */
export function readAt(text: string | undefined, signal?: AbortSignal): At {
  const interrupt = signal ? { signal } : {};
  if (text === undefined) return interrupt;
  const rootref = isBlobref(text) ? text : readDirref(text);
  if (rootref !== undefined) return { rootref, ...interrupt };
  throw new CommandError(`--at ${text}: not a version of the store`, {
    hint: "give what 'flux kvs getroot' or 'flux kvs getroot -b' prints",
  });
}

function readDirref(text: string): string | undefined {
  try {
    const { type, data } = JSON.parse(text);
    return type === "dirref" && Array.isArray(data) && isBlobref(data[0]) ? data[0] : undefined;
  } catch {
    return undefined;
  }
}

/** What `work` resolves to; a refusal is told with the key. */
export async function about<T>(key: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw keyError(key, error);
  }
}

/** The same for all that a stream yields. */
export async function* allAbout<T>(key: string, items: AsyncIterable<T>): AsyncGenerator<T, void> {
  try {
    yield* items;
  } catch (error) {
    throw keyError(key, error);
  }
}

/**
 * A refusal as it is printed: `KEY: REASON`. What is no FluxError is returned as it is. `unsupported`: the hint for
 * ENOTSUP where it need not mean that there is no such namespace.
 */
export function keyError(key: string, error: unknown, unsupported?: string): unknown {
  if (!(error instanceof FluxError)) return error;
  const { code, errnum, message } = error;
  const shown = key.length > SHOWN_CHARS ? `${key.slice(0, SHOWN_CHARS)}...` : key === "" ? "''" : key;
  const reason = PLAIN.includes(code) ? strerror(errnum) : message;
  const hint = code === "ENOTSUP" && unsupported !== undefined ? unsupported : hintOf(code, key);
  return new CommandError(reason.startsWith(`${shown}: `) ? reason : `${shown}: ${reason}`, {
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}

/** A wait that was given up is told by `text`; anything else is returned as it is. */
export function late(error: unknown, text: string): unknown {
  return isErrno(error, "ETIMEDOUT") ? new CommandError(text, { cause: error }) : error;
}

function hintOf(code: string, key: string): string | undefined {
  switch (code) {
    case "EISDIR":
      return `list it with 'flux kvs dir ${key}'`;
    case "ENOTSUP":
      return "there is no such namespace, see 'flux kvs namespace list'";
    case "ENOSYS":
      return "the module kvs is not loaded there, see 'flux module load'";
    case "EPERM":
      return "only the owner of the session or of the namespace may do this";
    default:
      return undefined;
  }
}
