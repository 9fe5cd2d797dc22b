/** What the flags of a `kvs-watch.lookup` ask for (wire.md §3.15). Pure. */

import { FluxError } from "../../../broker/message/mod.ts";
import { KvsFlag } from "../protocol.ts";

const LOOKUP = KvsFlag.readdir | KvsFlag.readlink | KvsFlag.treeobj;
const WATCHES = KvsFlag.watchFull | KvsFlag.watchUniq | KvsFlag.watchAppend | KvsFlag.watchInitialSentinel;
const KNOWN = LOOKUP | WATCHES | KvsFlag.watch | KvsFlag.waitcreate | KvsFlag.stream;

export interface WatchMode {
  /** Answered again and again; otherwise once. */
  readonly watches: boolean;
  /** A missing key is waited for. */
  readonly waits: boolean;
  /** Every change that could matter is looked at, not only those that name the key. */
  readonly full: boolean;
  /** Nothing is answered twice in a row. */
  readonly differs: boolean;
  /** Only what was appended is answered after the first time. */
  readonly appends: boolean;
  /** An answer without payload follows the first data. */
  readonly sentinel: boolean;
  /** Answered once, blob by blob. */
  readonly streams: boolean;
  /** Flags of the lookup itself. */
  readonly lookup: number;
}

/** Throws EPROTO for flags that do not go together, or not with the request. */
export function readMode(flags: number, isStreaming: boolean): WatchMode {
  const has = (flag: number) => (flags & flag) !== 0;
  const watches = has(KvsFlag.watch), streams = has(KvsFlag.stream), appends = has(KvsFlag.watchAppend);
  refuseIf(has(~KNOWN), `lookup request has unknown flags 0x${(flags & ~KNOWN).toString(16)}`);
  refuseIf(watches && streams, "KVS watch and stream flags cannot be used together");
  refuseIf(!watches && has(WATCHES), "Must set KVS watch flag with other watch flags");
  refuseIf(has(KvsFlag.watchInitialSentinel) && !appends, "KVS initial sentinel flag requires the append flag");
  refuseIf((appends || streams) && has(LOOKUP), "KVS append and stream flags are for values only");
  refuseIf(watches && !isStreaming, "KVS watch request rejected without streaming RPC flag");
  refuseIf(streams && !isStreaming, "KVS stream request rejected without streaming RPC flag");
  return {
    watches,
    streams,
    appends,
    waits: has(KvsFlag.waitcreate),
    full: has(KvsFlag.watchFull | KvsFlag.readdir),
    differs: has(KvsFlag.watchFull | KvsFlag.watchUniq),
    sentinel: has(KvsFlag.watchInitialSentinel),
    lookup: flags & LOOKUP,
  };
}

function refuseIf(wrong: boolean, text: string): void {
  if (wrong) throw new FluxError("EPROTO", text);
}
