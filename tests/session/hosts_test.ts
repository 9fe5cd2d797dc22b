/** The hosts that other tests run on are what they pretend to be. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { startHosts, withoutHosts } from "./hosts.ts";
import { until } from "./session.ts";

testUnless(
  withoutHosts(),
  "hosts of a test have names, addresses and cables of their own, and leave nothing",
  async () => {
    const namespaces = async () => {
      const { stdout } = await new Deno.Command("ip", { args: ["netns", "list"] }).output();
      return new TextDecoder().decode(stdout);
    };
    let prefix = "";
    {
      await using hosts = await startHosts(3);
      prefix = hosts.prefix;
      assertEquals((await hosts.run(1, ["hostname"])).stdout, "host1\n");
      assert((await hosts.run(1, ["getent", "hosts", "host2"])).stdout.startsWith("10.77.0.3"));
      for (const family of [4, 6] as const) {
        const address = hosts.address(2, family);
        assert((await hosts.run(0, ["ip", "route", "get", address])).stdout.includes("dev eth0"), address);
      }
      const carrier = async () => (await hosts.run(2, ["ip", "-br", "link", "show", "eth0"])).stdout;
      await hosts.cut(2);
      await until("the cable is out", async () => /NO-CARRIER/.test(await carrier()));
      await hosts.heal(2);
      await until("the cable is in again", async () => !/NO-CARRIER/.test(await carrier()));
      const child = hosts.spawn(2, ["sleep", "1000"]);
      await until("it runs", async () => (await hosts.processes(2)).length > 0);
      await hosts.kill(2);
      assertEquals((await child.output()).signal, "SIGKILL");
      assert((await namespaces()).includes(prefix));
    }
    assert(!(await namespaces()).includes(prefix));
  },
);
