/**
 * The names an attribute may have, and how each may be changed (wire.md §3.2): the one table behind `attr.set`, the
 * command line and `attr.get`'s flags. Beside them stand the names of the 0.1.0 tools (rulings.md, "attributes").
 */

export interface AttributeRule {
  /** Keeps its value for the life of the broker; clients may cache it. */
  readonly immutable: boolean;
  /** Not to be set on the command line. */
  readonly readonly: boolean;
  /** May be changed while the broker runs. */
  readonly runtime: boolean;
}

/** I: immutable. RO: not on the command line. RT: may change at run time. A name ending in `*` is a prefix. */
const RULES = `
  rank:RO,I size:RO,I version:RO rundir rundir-cleanup:I statedir statedir-cleanup:I security.owner:RO,I
  local-uri:I parent-uri:RO,I instance-level:RO,I jobid:RO,I jobid-path:RO,I parent-kvs-namespace:RO,I hostlist:I
  hostname:I config.path:I conf.shell_initrc:RT conf.shell_pluginpath:RT
  broker.mapping:RO,I broker.critical-ranks:I broker.boot-method:I broker.pid:RO,I broker.quorum:I broker.quorum-warn:I
  broker.shutdown-warn:I broker.shutdown-timeout:I broker.cleanup-timeout broker.unload-builtins-timeout broker.rc1_path
  broker.rc3_path broker.rc2_none broker.rc2_pgrp broker.exit-restart:RT broker.module-nopanic:RT broker.starttime:RO,I
  broker.sd-notify broker.sd-stop-timeout:I broker.exit-norestart broker.recovery-mode broker.uuid:RO,I
  tbon.topo tbon.descendants:RO tbon.level:RO tbon.maxlevel:RO tbon.endpoint:RO tbon.parent-endpoint:RO tbon.zmqdebug
  tbon.zmq_io_threads tbon.child_rcvhwm tbon.prefertcp tbon.interface-hint:RT,I tbon.torpid_min tbon.torpid_max
  tbon.tcp_user_timeout tbon.connect_timeout tbon.fanout
  log-ring-size:I log-forward-level:I log-critical-level:I log-filename log-syslog-enable:I log-syslog-level:I
  log-stderr-mode:I log-stderr-level:RT log-level:RT
  content.blob-size-limit:RT content.gc-grace:RT content.purge-target-size:RT content.purge-target-entries:RT
  content.purge-old-entry:RT content.purge-large-entry:RT content.acct-entries:RO content.acct-size:RO
  content.acct-dirty:RO content.acct-valid:RO content.flush-batch-count:RO
  content.backing-module content.hash:I content.dump:RT content.restore:RT cron.directory live.*:RT vendor.*:RT,I
  kvs.cache-size kvs.gc-threshold:RT kvs.versions:RT
  test.*:RT test-ro.*:RO test-nr.* test-im.*:I test-rd.*:RT
`;

/** Older names of attributes: what the 0.1.0 tools ask for → the attribute it is. */
export const ATTRIBUTE_ALIASES: Readonly<Record<string, string>> = {
  "content-acct-dirty": "content.acct-dirty",
  "content-acct-entries": "content.acct-entries",
  "content-acct-size": "content.acct-size",
  "content-acct-valid": "content.acct-valid",
  "content-backing": "content.backing-module",
  "content-blob-size-limit": "content.blob-size-limit",
  "content-flush-batch-count": "content.flush-batch-count",
  "content-hash": "content.hash",
  "content-purge-large-entry": "content.purge-large-entry",
  "content-purge-old-entry": "content.purge-old-entry",
  "content-purge-target-entries": "content.purge-target-entries",
  "content-purge-target-size": "content.purge-target-size",
  "log-buflimit": "log-ring-size",
  "scratch-directory": "rundir",
  "snoop-uri": "local-uri",
  "tbon-parent-uri": "tbon.parent-endpoint",
};

const exact = new Map<string, AttributeRule>();
const prefixes: [string, AttributeRule][] = [];
for (const word of RULES.trim().split(/\s+/)) {
  const [name = "", flags = ""] = word.split(":");
  const has = (flag: string) => flags.split(",").includes(flag);
  const rule = { immutable: has("I"), readonly: has("RO"), runtime: has("RT") };
  if (name.endsWith("*")) prefixes.push([name.slice(0, -1), rule]);
  else exact.set(name, rule);
}

/** The rule for a name; undefined for one that no attribute may have. */
export function attributeRule(name: string): AttributeRule | undefined {
  return exact.get(name) ?? prefixes.find(([prefix]) => name.length > prefix.length && name.startsWith(prefix))?.[1];
}
