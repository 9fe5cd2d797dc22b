/** `flux kvs`: the key-value store (cli.md §4.2). Each family of subcommands is in a file of `kvs/`. */

import { dropcache, dropcacheAll, gc } from "./kvs/cache.ts";
import { link, mkdir, unlink } from "./kvs/change.ts";
import { copy, move } from "./kvs/copy.ts";
import { dir, dirsize } from "./kvs/dir.ts";
import { dump } from "./kvs/dump.ts";
import { eventlog } from "./kvs/eventlog.ts";
import { copyFromKvs, copyToKvs } from "./kvs/file.ts";
import { get } from "./kvs/get.ts";
import { exists, readlink, type } from "./kvs/inspect.ts";
import { ls } from "./kvs/ls.ts";
import { namespace } from "./kvs/namespace.ts";
import { NAMESPACE } from "./kvs/options.ts";
import { put } from "./kvs/put.ts";
import { restore } from "./kvs/restore.ts";
import { snapshot } from "./kvs/snapshot.ts";
import { getroot, version, wait } from "./kvs/version.ts";
import { watch, watchDir } from "./kvs/watch.ts";
import { command } from "./mod.ts";

export default command({
  name: "kvs",
  summary: "Read, write and watch the key-value store",
  usage: ["[OPTIONS] SUBCOMMAND ARGS"],
  options: NAMESPACE,
  subcommands: {
    get,
    put,
    unlink,
    link,
    readlink,
    mkdir,
    exists,
    type,
    dir,
    dirsize,
    ls,
    copy,
    move,
    "copy-tokvs": copyToKvs,
    "copy-fromkvs": copyFromKvs,
    watch,
    "watch-dir": watchDir,
    version,
    wait,
    getroot,
    namespace,
    snapshot,
    eventlog,
    dump,
    restore,
    dropcache,
    "dropcache-all": dropcacheAll,
    gc,
  },
});
