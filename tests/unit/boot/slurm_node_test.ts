/** What is dialled for a node of Slurm. */

import { addressIn, nodeAddress } from "../../../broker/boot/slurm_node.ts";
import { FluxError } from "../../../broker/message/mod.ts";
import { systemClock, systemSpawner } from "../../../broker/ports/mod.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("addressIn() finds the address of a node in what scontrol prints", () => {
  const line = "NodeName=node1 Arch=x86_64 CPUAlloc=0 NodeAddr=10.1.0.1 NodeHostName=n1 Version=22.05.8\n";
  assertEquals([addressIn(line), addressIn("Node node1 not found\n"), addressIn("")], [
    "10.1.0.1",
    undefined,
    undefined,
  ]);
});

Deno.test("nodeAddress() is the name, but on the node itself, and where nobody knows it but Slurm", async () => {
  const directory = await Deno.makeTempDir({ prefix: "flux-unit-" });
  try {
    const ask = (name: string, PATH = directory) =>
      nodeAddress(name, "own", { PATH }, {
        clock: systemClock,
        spawner: systemSpawner,
        resolve: (name) => name === "known" ? Promise.resolve() : Promise.reject(new FluxError("EHOSTUNREACH")),
      });
    const script = '#!/bin/sh\n[ $4 = lost ] || echo "NodeName=$4 NodeAddr=$4.cluster"\n';
    Deno.writeTextFileSync(`${directory}/scontrol`, script, { mode: 0o755 });
    const names = ["own", "known", "node1", "lost"];
    assertEquals(await Promise.all(names.map((name) => ask(name))), ["127.0.0.1", "known", "node1.cluster", "lost"]);
    assertEquals(await ask("node1", "/nowhere"), "node1");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
