/** The events that tell all ranks of new roots (wire.md §3.14): `kvs.namespace-<NS>-setroot`, `-created`, `-removed`. Pure. */

import { encodeJson, isBlobref, type JsonObject } from "../../broker/message/mod.ts";
import type { Root } from "./protocol.ts";
import { ANYTHING } from "./roots.ts";

/** Topics of all of them begin with this. */
export const PREFIX = "kvs.namespace-";
/**
 * A list of keys that takes more bytes than this is not made: {@link ANYTHING} stands for it. Every rank reads the list and keeps
 * it among its events, so that a fence to which each of N ranks brings a key would cost the session N².
 */
const LIST_LIMIT = 1 << 15;
/** What a key takes in the list besides itself: `"":null,`. */
const KEY_EXTRA = 8;

/** A new version, and the commits in it. */
export interface NewRoot {
  readonly root: Root;
  /** What the commits are called. */
  readonly names: readonly string[];
  /** Normalized keys they wrote. */
  readonly keys: readonly string[];
}

export interface Announcement {
  readonly topic: string;
  readonly payload: Uint8Array<ArrayBuffer>;
}

export function setroot({ root, names, keys }: NewRoot): Announcement {
  const { namespace, rootseq, rootref, owner } = root;
  let size = 0;
  for (const key of keys) size += key.length + KEY_EXTRA;
  const listed = Object.fromEntries((size > LIST_LIMIT ? [ANYTHING] : keys).map((key) => [key, null]));
  return announcement(namespace, "setroot", { namespace, rootseq, rootref, names, owner, keys: listed });
}

export function created({ namespace, rootseq, rootref, owner }: Root): Announcement {
  return announcement(namespace, "created", { namespace, rootseq, rootref, owner });
}

export function removed(namespace: string): Announcement {
  return announcement(namespace, "removed", { namespace });
}

/** What an event says; undefined for one that is none of these. */
export type News =
  | { readonly kind: "setroot"; readonly root: Root; readonly keys: readonly string[] }
  | { readonly kind: "created"; readonly root: Root }
  | { readonly kind: "removed"; readonly namespace: string };

export function readNews(topic: string, payload: JsonObject): News | undefined {
  const { namespace } = payload;
  if (typeof namespace !== "string" || !topic.startsWith(PREFIX + namespace)) return undefined;
  const kind = topic.slice(PREFIX.length + namespace.length);
  if (kind === "-removed") return { kind: "removed", namespace };
  const { rootseq, rootref, owner, keys } = payload;
  if (typeof rootseq !== "number" || !isBlobref(rootref) || typeof owner !== "number") return undefined;
  const root = { namespace, rootref, rootseq, owner, flags: 0 };
  if (kind === "-created") return { kind: "created", root };
  if (kind !== "-setroot" || typeof keys !== "object" || keys === null) return undefined;
  return { kind: "setroot", root, keys: Object.keys(keys) };
}

function announcement(namespace: string, kind: string, payload: object): Announcement {
  return { topic: `${PREFIX}${namespace}-${kind}`, payload: encodeJson(payload) };
}
