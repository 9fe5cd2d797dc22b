/** What every rank answers from what it knows: lookups, roots, waits for them (wire.md §3.14). */

import {
  integerField,
  type Methods,
  optionalInteger,
  type Request,
  stringField,
  user,
} from "../../broker/handle/mod.ts";
import { errnum, FluxError, isErrno } from "../../broker/message/mod.ts";
import type { Clock } from "../../broker/ports/mod.ts";
import { checkNamespace, isGuest } from "./access.ts";
import { type Found, LookupError } from "./tree/lookup.ts";
import type { Root } from "./protocol.ts";
import type { Reader } from "./reader.ts";
import { readLookup } from "./requests.ts";
import type { Roots } from "./roots.ts";
import type { Stats } from "./stats.ts";
import { timed } from "./timing.ts";

export interface ReadParts {
  readonly roots: Roots;
  readonly reader: Reader;
  readonly stats: Stats;
  readonly clock: Clock;
}

export function readMethods({ roots, reader, stats, clock }: ReadParts): Methods {
  const namespaceOf = async (request: Request) => {
    const namespace = stringField(request.payload, "namespace");
    checkNamespace(request, await roots.find(namespace));
    return namespace;
  };
  const gets = () => stats.gets;
  const lookup = async (request: Request) => ({ val: (await find(reader, request)).value });
  return {
    "kvs.lookup": user((request) => timed(clock, gets, lookup(request))),
    "kvs.lookup-plus": user((request) => timed(clock, gets, lookupPlus(roots, reader, request))),
    "kvs.getroot": user(async (request) => {
      optionalInteger(request.payload, "flags");
      const { owner, rootseq, rootref, flags, namespace } = await roots.find(await namespaceOf(request));
      return { owner, rootseq, rootref, flags, namespace };
    }),
    "kvs.wait-version": user(async (request) => {
      const version = integerField(request.payload, "rootseq");
      const { rootseq, rootref } = await roots.reached(await namespaceOf(request), version, request.signal);
      return { rootseq, rootref };
    }),
    "kvs.setroot-pause": user(async (request) => await roots.pause(await namespaceOf(request))),
    "kvs.setroot-unpause": user(async (request) => await roots.resume(await namespaceOf(request))),
  };
}

interface Seen extends Found {
  /** Undefined when a bare root was looked at. */
  readonly root?: Root;
}

/** Throws as `Reader` does, EPERM for what a guest may not see. */
async function find(reader: Reader, request: Request): Promise<Seen> {
  const { key, flags, namespace, rootref } = readLookup(request.payload);
  const allow = (root: Root) => checkNamespace(request, root);
  if (rootref === undefined) return await reader.current({ namespace: namespace!, key, flags }, allow);
  if (isGuest(request)) throw new FluxError("EPERM");
  return await reader.lookup({ namespace, key, flags, rootref }, allow);
}

/** The answer says at which root; a missing key is an answer too. */
async function lookupPlus(roots: Roots, reader: Reader, request: Request): Promise<object> {
  const { namespace, rootref, rootseq = -1 } = readLookup(request.payload);
  try {
    const { value, root } = await find(reader, request);
    return { val: value, ...(root ? { rootseq: root.rootseq, rootref: root.rootref } : { rootseq, rootref }) };
  } catch (error) {
    if (!(error instanceof LookupError) || !isErrno(error, "ENOENT")) throw error;
    const at = rootref === undefined ? await roots.find(namespace!) : { rootseq, rootref };
    return { errno: errnum("ENOENT"), rootseq: at.rootseq, rootref: at.rootref };
  }
}
