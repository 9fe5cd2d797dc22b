/** The service at rank 0: takes the stored roots in, writes new ones, collects what they leave behind. */

import { loadHash } from "../../../broker/ports/mod.ts";
import { Collector } from "./collector.ts";
import type { Core, Side } from "../core.ts";
import { emptyDirectory, Master } from "./master.ts";
import { PRIMARY } from "../protocol.ts";
import { adoptAll, rootMethods } from "./methods.ts";
import { Settings } from "../settings.ts";
import { Versions } from "./versions.ts";

/** Throws what the content service says, and EINVAL for a setting of the command line. */
export async function openRoot(core: Core): Promise<Side> {
  const { handle, ports, content, roots, reader, stats } = core;
  const settings = new Settings(ports);
  const versions = new Versions(() => settings.get("kvs.versions"), () => ports.clock.now());
  const time = () => ports.clock.wall() / 1000;
  const master = new Master({
    content,
    reader,
    roots,
    versions,
    loadHash,
    time,
    publish: ({ topic, payload }) => handle.publish(topic, payload, { private: true }),
    stored: (blobs, bytes) => collector.stored(blobs, bytes),
    merged(commits, isOther) {
      stats.merged.add(commits);
      if (!isOther) stats.unchanged++;
    },
  });
  const collector = new Collector({
    content,
    objects: reader.objects,
    versions,
    clock: ports.clock,
    threshold: () => settings.get("kvs.gc-threshold"),
    exclusive: (run) => master.exclusive(run),
    log: (level, text) => ports.log(level, text),
  });
  master.guard((outside) => collector.protect(outside));
  if (!Object.hasOwn(await content.roots(), PRIMARY)) {
    const owner = Number(ports.attribute("security.owner"));
    const { blobref } = emptyDirectory();
    const root = { rootref: blobref, rootseq: 0, owner, flags: 0, timestamp: time() };
    await content.commit([emptyDirectory()], { [PRIMARY]: root });
  }
  await adoptAll(master, content);
  return {
    committer: master,
    collector,
    methods: rootMethods({ master, collector, versions, content, roots, stats, clock: ports.clock }),
    pending: () => master.pending,
    async close() {
      collector.close();
      await master.close();
    },
  };
}
