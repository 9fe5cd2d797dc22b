/** What `kvs` and `kvs-watch` answer, read strictly. Each throws EPROTO and says what is wrong. */

import { integerField, stringField } from "../../broker/handle/mod.ts";
import { decodeJson, FluxError, isBlobref, type JsonObject } from "../../broker/message/mod.ts";
import type { CommitReply, Root } from "./protocol.ts";
import { checkTreeObject, type Dir, type Symlink, type TreeObject, type Val } from "./tree/treeobj.ts";

/** A namespace as it is listed. */
export interface NamespaceInfo {
  readonly namespace: string;
  /** Userid of who may write, besides the owner of the instance. */
  readonly owner: number;
  readonly flags: number;
}

/** `{"val":treeobj}` */
export function readValue(payload: Uint8Array | undefined): TreeObject {
  return checkTreeObject(decodeJson(payload).val);
}

export function expectVal(object: TreeObject): Val {
  return expectType(object, "val");
}

export function expectDir(object: TreeObject): Dir {
  return expectType(object, "dir");
}

export function expectSymlink(object: TreeObject): Symlink {
  return expectType(object, "symlink");
}

export function readCommitReply(payload: Uint8Array | undefined): CommitReply {
  return commitReply(decodeJson(payload));
}

export function readRoot(reply: JsonObject): Root {
  return { ...namespaceInfo(reply), ...commitReply(reply) };
}

export function readNamespaces({ namespaces }: JsonObject): NamespaceInfo[] {
  if (!Array.isArray(namespaces)) throw new FluxError("EPROTO", `"namespaces" must be an array`);
  return namespaces.map((entry) => {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
      throw new FluxError("EPROTO", `"namespaces" must hold objects`);
    }
    return namespaceInfo(entry);
  });
}

function commitReply(reply: JsonObject): CommitReply {
  const rootref = stringField(reply, "rootref");
  if (!isBlobref(rootref)) throw new FluxError("EPROTO", `"rootref" must be a blobref`);
  return { rootref, rootseq: integerField(reply, "rootseq") };
}

function namespaceInfo(object: JsonObject): NamespaceInfo {
  return {
    namespace: stringField(object, "namespace"),
    owner: integerField(object, "owner"),
    flags: integerField(object, "flags"),
  };
}

function expectType<T extends TreeObject["type"]>(object: TreeObject, type: T): Extract<TreeObject, { type: T }> {
  if (object.type !== type) throw new FluxError("EPROTO", `answered with a ${object.type} instead of a ${type}`);
  return object as Extract<TreeObject, { type: T }>;
}
