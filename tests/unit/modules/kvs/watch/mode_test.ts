import { KvsFlag } from "../../../../../modules/kvs/protocol.ts";
import { readMode } from "../../../../../modules/kvs/watch/mode.ts";
import { assertEquals, assertThrows } from "../../../../assert.ts";

const { watch, waitcreate, watchFull, watchUniq, watchAppend, watchInitialSentinel, stream, readdir, treeobj } =
  KvsFlag;

Deno.test("readMode() of the flags that the tools send", () => {
  const plain = {
    watches: true,
    waits: false,
    full: false,
    differs: false,
    appends: false,
    sentinel: false,
    streams: false,
    lookup: 0,
  };
  assertEquals(readMode(watch, true), plain);
  assertEquals(readMode(260, true), { ...plain, appends: true });
  assertEquals(readMode(204, true), { ...plain, waits: true, full: true, differs: true });
  assertEquals(readMode(stream, true), { ...plain, watches: false, streams: true });
  assertEquals(readMode(waitcreate, false), { ...plain, watches: false, waits: true });
  assertEquals(readMode(watch | readdir, true), { ...plain, full: true, lookup: readdir });
});

Deno.test("readMode() refuses flags that do not go together, and says which", () => {
  const refused: [number, string][] = [
    [watchUniq, "Must set KVS watch flag with other watch flags"],
    [watchFull | waitcreate, "Must set KVS watch flag with other watch flags"],
    [watchAppend, "Must set KVS watch flag with other watch flags"],
    [watch | stream, "watch and stream"],
    [watch | watchInitialSentinel, "initial sentinel"],
    [watch | watchAppend | readdir, "values only"],
    [stream | treeobj, "values only"],
    [watch | 4096, "unknown flags 0x1000"],
    [KvsFlag.append, "unknown flags 0x20"],
  ];
  for (const [flags, text] of refused) assertThrows(() => readMode(flags, true), { errno: "EPROTO", text });
});

Deno.test("readMode() refuses to watch or stream where only one answer is possible", () => {
  assertThrows(() => readMode(watch, false), { errno: "EPROTO", text: "streaming" });
  assertThrows(() => readMode(stream, false), { errno: "EPROTO", text: "streaming" });
});
