/** The door of `kvs`: reads requests, and throws EPROTO or EINVAL, naming the field, for what makes no sense. Pure. */

import { integerField, optionalInteger, optionalString, stringField } from "../../broker/handle/mod.ts";
import { decodeJson, FluxError, isBlobref, type Json, type JsonObject } from "../../broker/message/mod.ts";
import { TRANSACTION_LIMIT } from "./client_transaction.ts";
import { normalize } from "./tree/key.ts";
import { CommitFlag, type CommitRequest, KvsFlag, type Operation, PRIMARY } from "./protocol.ts";
import { checkTreeObject } from "./tree/treeobj.ts";

const COMMIT_FLAGS = CommitFlag.noMerge | CommitFlag.compact | CommitFlag.sync;

export interface ReadRequest {
  /** Normalized. */
  readonly key: string;
  readonly flags: number;
  readonly namespace: string | undefined;
  /** A root to look at instead of the namespace's newest. */
  readonly rootref: string | undefined;
  /** Its version, if the caller knows it. */
  readonly rootseq: number | undefined;
}

/** A lookup. Throws EPROTO without a namespace and a root, EINVAL for a root that is no dirref. */
export function readLookup(payload: JsonObject): ReadRequest {
  const { rootdir } = payload;
  const namespace = optionalString(payload, "namespace");
  const rootref = rootdir === undefined || rootdir === null ? undefined : readRootdir(rootdir);
  if (namespace === undefined && rootref === undefined) {
    throw new FluxError("EPROTO", `"namespace" or "rootdir" is needed`);
  }
  return {
    key: normalize(stringField(payload, "key")),
    flags: integerField(payload, "flags"),
    namespace,
    rootref,
    rootseq: optionalInteger(payload, "rootseq"),
  };
}

/** A commit as it came. Throws EFBIG, before it is decoded, when it is over the limit of a transaction. */
export function readCommit(payload: Uint8Array | undefined): CommitRequest {
  checkSize(payload);
  return readCommitFields(decodeJson(payload));
}

/** What commits and fences have in common. */
export function readCommitFields(fields: JsonObject): CommitRequest {
  const namespace = stringField(fields, "namespace");
  const flags = integerField(fields, "flags");
  if (flags & ~COMMIT_FLAGS) throw new FluxError("EINVAL", `"flags" has unknown bits: ${flags}`);
  if (flags & CommitFlag.sync && namespace !== PRIMARY) {
    throw new FluxError("EINVAL", `"flags": SYNC is for the namespace ${PRIMARY} only`);
  }
  return { namespace, flags, ops: readOperations(fields.ops) };
}

/** Throws EFBIG when a commit is over the limit of a transaction. */
export function checkSize(payload: Uint8Array | undefined): void {
  const size = payload?.length ?? 0;
  if (size > TRANSACTION_LIMIT) {
    throw new FluxError("EFBIG", `a transaction of ${size} bytes is over the limit of ${TRANSACTION_LIMIT}`);
  }
}

/** The operations of a commit or fence. */
export function readOperations(ops: Json | undefined): Operation[] {
  if (!Array.isArray(ops)) throw new FluxError("EPROTO", `"ops" must be an array`);
  return ops.map(readOperation);
}

/** The name of a namespace to be made. Throws EINVAL for one that no event could tell of. */
export function readNewNamespace(payload: JsonObject): string {
  const namespace = stringField(payload, "namespace");
  // deno-lint-ignore no-control-regex
  if (namespace === "" || namespace.length > 255 || /[\x00-\x20\x7f]/.test(namespace)) {
    throw new FluxError("EINVAL", `"namespace" must have 1 to 255 characters, without spaces and control characters`);
  }
  return namespace;
}

function readOperation(operation: Json): Operation {
  if (typeof operation !== "object" || operation === null || Array.isArray(operation)) {
    throw new FluxError("EPROTO", `"ops" must hold objects`);
  }
  const { key, flags, dirent } = operation;
  if (typeof key !== "string") throw new FluxError("EPROTO", `"key" of an operation must be a string`);
  if (flags !== 0 && flags !== KvsFlag.append) {
    throw new FluxError("EPROTO", `"flags" of an operation must be 0 or ${KvsFlag.append}`);
  }
  if (dirent === undefined) throw new FluxError("EPROTO", `"dirent" of an operation must be a tree object or null`);
  if (Object.keys(operation).length !== 3) {
    throw new FluxError("EPROTO", `an operation has "key", "flags" and "dirent", nothing else`);
  }
  if (dirent === null) return { key, flags, dirent };
  return { key, flags, dirent: checkTreeObject(dirent) };
}

function readRootdir(rootdir: Json): string {
  if (typeof rootdir === "object" && rootdir !== null && !Array.isArray(rootdir)) {
    const { ver, type, data } = rootdir;
    if (ver === 1 && type === "dirref" && Array.isArray(data) && data.length === 1 && isBlobref(data[0])) {
      return data[0];
    }
  }
  throw new FluxError("EINVAL", `"rootdir" must be a dirref`);
}
