/**
 * Every capture, and what becomes of it: replayed against our brokers now, or later, when the service it needs is there.
 * A later one is turned on by changing its line.
 */

import type { Allowances } from "./replay.ts";

export type Plan =
  /** Replayed against a session of three brokers. */
  | { kind: "now"; allowances: Allowances }
  /** Waits for a service. */
  | { kind: "later"; needs: string }
  /** The program said nothing to the broker: nothing to replay, ever. */
  | { kind: "silent" };

const now = (allowances: Allowances = {}): Plan => ({ kind: "now", allowances });
const later = (needs: string): Plan => ({ kind: "later", needs });
const silent: Plan = { kind: "silent" };

const kvs = later("kvs");
const kvsWatch = later("kvs-watch");
const namespaces = later("kvs namespaces");
const content = later("content");
const rexec = later("rexec; the capture withholds its request, which held an environment: to be said with one of ours");

/** A module that every broker of ours runs, for captures that look into one of another name. */
const RUNNING = "api";
/** A module that may be loaded, reloaded and removed without harm. */
const SPARE = "mecho";

const heartbeats: Allowances = { payloadOptional: ["heartbeat.pulse"], surplus: ["heartbeat.pulse"] };

/** By file name. Those of one command follow each other, since some need what others left. */
export const plans: Readonly<Record<string, Plan>> = {
  "ping": now(),
  "ping1": now(),
  "ping1k": now(),
  "ping-up": now({ rank: 1 }),

  "getattr": now(),
  "getattr-size": now({ rank: 1 }),
  "setattr": now(),
  "setattr2": now(),
  "setattr3": now(),
  "setattr4": now(),
  "setattr-ro": now(),
  "setattr-exp": silent,
  "attrlist": now(),
  "lsattr": now({ refusals: { "attr.get": 2 } }),
  "hostlist": now(),
  "uri": now(),
  "version": now(),
  "python": now(),
  "getenv": now({ ignore: ["env"] }),
  "ovl-lookup": now(),

  "ev-pub": now(),
  "ev-pubraw": now(),
  "ev-pubpriv": now(),
  "ev-pubsync": now(),
  "ev-publoop": now(),
  "ev-sub": now(),
  "ev-sub2": now(),
  "ev-sub-r1": now({ rank: 1, publisher: 0 }),
  "ev-hb": now(heartbeats),
  "ev-all": now({ ...heartbeats, many: ["heartbeat.pulse"], rename: { kvs: "replayed" } }),

  "dmesg": now({ many: ["log.dmesg"] }),
  "logger": now(),
  "dmesgC": now(),
  "dmesgf": now({ surplus: ["log.dmesg"] }),
  "dmesgn": now({ surplus: ["log.dmesg"] }),

  "mod-list": now(),
  "mod-jsonl": silent,
  "mod-load": now({ rename: { "content-files": RUNNING } }),
  "mod-loadnoent": now(),
  "mod-unload": now(),
  "mod-load2": now({ rename: { heartbeat: SPARE } }),
  "mod-remove2": now({ after: ["mod-load2"] }),
  "mod-reload": now({ rename: { heartbeat: SPARE } }),
  "mod-stats": now({ rename: { kvs: RUNNING }, ignore: [""] }),
  "mod-statsclear": now({ rename: { kvs: RUNNING } }),
  "mod-statsrusage": now({ rename: { kvs: RUNNING } }),
  "mod-debug": now({ rename: { kvs: RUNNING } }),
  "mod-debugset": now({ rename: { heartbeat: RUNNING } }),
  "mod-trace": now({ rename: { kvs: RUNNING }, many: ["module.trace"], stir: `${RUNNING}.ping` }),
  "guest-rm": now(),

  "config": now(),
  "configb": silent,
  "configld": now(),
  "configr": now(),
  "groups": now(),
  "smwait": now(),
  "svc": now(),

  "admin": silent,
  "barrier": silent,
  "help": silent,

  "cont-drop": content,
  "cont-flush": content,
  "cont-load": content,
  "cont-loadno": content,
  "cont-store": content,

  "badns": namespaces,
  "enodata": kvs,
  "kvs-copy": kvs,
  "kvs-dir": kvs,
  "kvs-dirnoent": kvs,
  "kvs-dirraw": kvs,
  "kvs-dropcache": silent,
  "kvs-dropcacheall": silent,
  "kvs-evapp": kvs,
  "kvs-evget": kvs,
  "kvs-evwait": kvsWatch,
  "kvs-fencelike": later("kvs with SYNC, content checkpoints"),
  "kvs-get": kvs,
  "kvs-get-r1": kvs,
  "kvs-getat": kvs,
  "kvs-getlink": kvs,
  "kvs-getnoent": kvs,
  "kvs-getraw": kvs,
  "kvs-getroot": kvs,
  "kvs-getrooto": kvs,
  "kvs-getroots": kvs,
  "kvs-gett": kvs,
  "kvs-gett2": kvs,
  "kvs-gettbig": kvs,
  "kvs-gettlink": kvs,
  "kvs-link": kvs,
  "kvs-ls": silent,
  "kvs-ls2": kvs,
  "kvs-mkdir": kvs,
  "kvs-move": kvs,
  "kvs-nocompact": kvs,
  "kvs-nscreate": namespaces,
  "kvs-nslist": namespaces,
  "kvs-nsput": namespaces,
  "kvs-nsremove": namespaces,
  "kvs-nssymlink": namespaces,
  "kvs-put": kvs,
  "kvs-put2": kvs,
  "kvs-put-app": kvs,
  "kvs-put-blobref": kvs,
  "kvs-put-seq": kvs,
  "kvs-put-sync": kvs,
  "kvs-putO": kvs,
  "kvs-putbig": kvs,
  "kvs-readlink": kvs,
  "kvs-readlinkno": kvs,
  "kvs-stream": kvsWatch,
  "kvs-timeout": kvsWatch,
  "kvs-unlink": kvs,
  "kvs-version": kvs,
  "kvs-wait": kvs,
  "kvs-waitcreate": silent,
  "kvs-wappend": kvsWatch,
  "kvs-watch": kvsWatch,
  "startlog": later("kvs, and admin.eventlog written at start"),

  "exec": rexec,
  "exec-err": rexec,
  "exec-nocmd": rexec,
  "exec-sig": rexec,
  "exec-stdin": rexec,
  "sproc": later("rexec.list"),

  "ovl-errors": now(),
  "ovl-parentof": now(),
  "ovl-status": now(),
  "ovl-statusv": now(),
  "ovl-trace": now({ many: ["overlay.trace"] }),
  "ovmon": later("connector-local.stats-get"),

  "uptime": later("resource.status, job-manager.queue-list, job-manager.queue-status"),
};
