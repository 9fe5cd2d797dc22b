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

/** The captures withhold the request that starts a task, since it held an environment: it is said with one of ours. */
const rexec = now({
  fill: { "{...elided...}": '{"PATH":"/usr/bin:/bin"}', "/dxxxxxxxxx": "/" },
  anyOrder: ["rexec.exec"],
  pids: true,
});

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

  "cont-store": now(),
  "cont-drop": now(),
  "cont-flush": now({ rank: 1 }),
  "cont-load": now({ after: ["cont-store"] }),
  "cont-loadno": now(),

  "badns": now(),
  "kvs-put": now(),
  "kvs-put2": now(),
  "kvs-putbig": now(),
  "kvs-put-app": now(),
  "kvs-putO": now(),
  "kvs-put-blobref": now(),
  "kvs-put-seq": now(),
  "kvs-put-sync": now(),
  "kvs-fencelike": now(),
  "kvs-mkdir": now(),
  "kvs-link": now(),
  "kvs-nssymlink": now(),
  "kvs-get": now({ after: ["kvs-put"] }),
  "kvs-get-r1": now({ rank: 1, after: ["kvs-put"] }),
  "kvs-getnoent": now(),
  "kvs-getraw": now({ after: ["kvs-putbig"] }),
  "kvs-gett": now({ after: ["kvs-put"] }),
  "kvs-gett2": now(),
  "kvs-gettbig": now({ after: ["kvs-putbig"] }),
  "kvs-getlink": now({ after: ["kvs-put", "kvs-link"] }),
  "kvs-gettlink": now({ after: ["kvs-link"] }),
  "kvs-readlink": now({ after: ["kvs-link"] }),
  "kvs-readlinkno": now({ after: ["kvs-put"] }),
  "kvs-dirnoent": now({ after: ["kvs-put"] }),
  "kvs-dirraw": now({ after: ["kvs-put", "kvs-put2", "kvs-putbig", "kvs-put-app"] }),
  "kvs-nocompact": now(),
  "kvs-unlink": now({ after: ["kvs-mkdir"] }),
  "kvs-copy": now({ after: ["kvs-put"] }),
  "kvs-move": now({ after: ["kvs-copy"] }),
  "kvs-evapp": now(),
  "kvs-evget": now({ after: ["kvs-evapp"] }),
  "kvs-evwait": now({ after: ["kvs-evapp"] }),
  "enodata": now({ after: ["kvs-evapp"] }),
  "kvs-getroot": now(),
  "kvs-getrooto": now(),
  "kvs-getroots": now(),
  "kvs-version": now(),
  "kvs-wait": now(),
  "kvs-nscreate": now(),
  "kvs-nslist": now({ after: ["kvs-nscreate"] }),
  "kvs-nsput": now({ after: ["kvs-nscreate"] }),
  "kvs-nsremove": now({ after: ["kvs-nscreate"] }),
  "kvs-stream": now({ after: ["kvs-putbig"] }),
  "kvs-timeout": now(),
  "kvs-wappend": now(),
  "kvs-watch": now({ after: ["kvs-put"] }),
  "kvs-getat": later("a root of the session that was captured"),
  "kvs-dir": later("a tree with `admin` and `resource`, which only 0.88 makes"),
  "kvs-ls2": later("a tree with `admin`, `resource` and `job`, which only 0.88 makes"),
  "kvs-dropcache": silent,
  "kvs-dropcacheall": silent,
  "kvs-ls": silent,
  "kvs-waitcreate": silent,
  "startlog": later("kvs, and admin.eventlog written at start"),

  "exec": rexec,
  "exec-err": rexec,
  "exec-nocmd": rexec,
  "exec-sig": rexec,
  "exec-stdin": rexec,
  "sproc": now(),

  "ovl-errors": now(),
  "ovl-parentof": now(),
  "ovl-status": now(),
  "ovl-statusv": now(),
  "ovl-trace": now({ many: ["overlay.trace"] }),
  "ovmon": later("connector-local.stats-get"),

  "uptime": later("resource.status, job-manager.queue-list, job-manager.queue-status"),
};
