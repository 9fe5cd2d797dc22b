/** PMI at a port, with real connections. */

import { assertEquals } from "../../../../assert.ts";
import { PmiPort } from "../../../../../modules/wreck/pmi/port.ts";
import { tcpOwner } from "../../../../../modules/wreck/pmi/tcp_owner.ts";
import { LineStream } from "../../../../../broker/pmi/mod.ts";
import { Queue } from "../../../../../broker/handle/mod.ts";

function world() {
  const heard = new Queue<string>();
  const port = new PmiPort([2, 3], 4, {
    line: (task, line) => heard.push(`${task} ${line}`),
    ended: (task, error) => heard.push(`${task} ended${error === undefined ? "" : `: ${error}`}`),
    refused: (reason) => heard.push(`refused: ${reason}`),
  });
  const call = async (...lines: string[]) => {
    const [hostname, number] = port.address.split(":");
    const stream = new LineStream(await Deno.connect({ hostname: hostname!, port: Number(number) }), 2000);
    for (const line of lines) stream.write(line);
    return stream;
  };
  const news = async () => (await heard.next()).value;
  return { port, call, news };
}

Deno.test("PmiPort tells who calls the rest, and passes lines on both ways", async () => {
  const { port, call, news } = world();
  const three = await call("cmd=initack pmiid=3");
  for (const told of ["cmd=initack rc=0", "cmd=set size=4", "cmd=set rank=3", "cmd=set debug=0"]) {
    assertEquals(await three.read(), told);
  }
  three.write("cmd=get_maxes");
  assertEquals(await news(), "3 cmd=get_maxes");
  port.write(3, "cmd=maxes rc=0");
  assertEquals(await three.read(), "cmd=maxes rc=0");
  port.end(3);
  assertEquals(await three.read(), null);
  await three.close();
  assertEquals(await news(), "3 ended");
  port.close();
});

Deno.test("PmiPort refuses who says nothing of himself, says something wrong, or comes twice", async () => {
  const { port, call, news } = world();
  for (
    const [line, reason] of [
      ["cmd=init pmi_version=1 pmi_subversion=1", '"cmd=init pmi_version=1 pmi_subversion=1" is no initack'],
      ["cmd=initack pmiid=1", "PMI_ID 1 is no task here"],
      ["cmd=initack", '"cmd=initack" is no initack'],
      ["GET / HTTP/1.1", 'malformed PMI line "GET / HTTP/1.1"'],
    ] as const
  ) {
    const stream = await call(line);
    assertEquals(await news(), `refused: ${reason}`);
    assertEquals(await stream.read(), null);
    await stream.close();
  }
  const first = await call("cmd=initack pmiid=2");
  assertEquals(await first.read(), "cmd=initack rc=0");
  const second = await call("cmd=initack pmiid=2");
  assertEquals(await news(), "refused: task 2 has called before");
  await second.close();
  first.write("x".repeat(1300));
  assertEquals(await news(), "2 ended: a line is longer than 1216 bytes");
  await first.close();
  port.close();
});

Deno.test("tcpOwner() finds the user of a connection by both of its ends", () => {
  const table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1\n" +
    "   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 2 1\n";
  const at = (port: number): Deno.NetAddr => ({ transport: "tcp", hostname: "127.0.0.1", port });
  assertEquals(tcpOwner(at(50000), at(8080), table), 1001);
  assertEquals(tcpOwner(at(50001), at(8080), table), undefined);
});
