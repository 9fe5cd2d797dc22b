import { LogService } from "../../../broker/service/log_service.ts";
import { parseLogLine } from "../../../broker/handle/mod.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { type VirtualClock, virtualClock } from "../../sim/mod.ts";

interface World {
  clock: VirtualClock;
  log: LogService;
  written: string[];
  alarms: string[];
  up: string[];
}

function world(rank: number): World {
  const clock = virtualClock();
  const [written, alarms, up]: string[][] = [[], [], []];
  const log = new LogService({
    clock,
    rank,
    pid: 42,
    level: rank,
    maxLevel: 1,
    sendUp: (lines) => up!.push(lines) > 0,
    sink: (text) => void written!.push(text),
    alarm: (text) => void alarms!.push(text),
  });
  return { clock, log, written: written!, alarms: alarms!, up: up! };
}

const line = (severity: number, text: string, rank = 0) =>
  `<${severity * 8}>1 2016-01-22T21:33:54.004321Z ${rank} app 7 - - ${text}`;
const ringTexts = ({ ring }: LogService) =>
  Array.from({ length: ring.size }, (_, i) => parseLogLine(ring.line(ring.first + i)!).text);

Deno.test("LogService.append() at rank 0 keeps a line and writes it as people read it", async () => {
  const { clock, log, written } = world(0);
  log.append(line(6, "hello"));
  await clock.run(0);
  assertEquals(written, ["[1453498434.004321] app.info[0]: hello\n"]);
  assertEquals(ringTexts(log), ["hello"]);
});

Deno.test("LogService writes the lines of one turn of the event loop together", async () => {
  const { clock, log, written } = world(0);
  log.append(line(6, "a"));
  log.append(line(6, "b"));
  await clock.run(0);
  assertEquals(written.length, 1);
});

Deno.test("LogService.append() keeps what is less severe than its level here, and neither writes nor forwards it", async () => {
  for (const rank of [0, 1]) {
    const { clock, log, written, up } = world(rank);
    log.append(line(7, "detail"));
    await clock.runUntilIdle();
    assertEquals([ringTexts(log), written, up], [["detail"], [], []]);
    log.level = 7;
    log.append(line(7, "detail"));
    await clock.runUntilIdle();
    assertEquals(rank === 0 ? written.length : up.length, 1);
  }
});

Deno.test("LogService.append() below rank 0 forwards lines and writes none", async () => {
  const { clock, log, written, up } = world(1);
  log.append(line(6, "a"));
  log.append(line(5, "b"));
  assertEquals(up, []);
  await clock.runUntilIdle();
  assertEquals([up, written], [[`${line(6, "a")}\n${line(5, "b")}`], []]);
});

Deno.test("LogService.append() shows and forwards a critical line at once, behind what came before it", () => {
  const { log, alarms, up } = world(1);
  log.append(line(6, "a"));
  log.append(line(2, "fire"));
  assertEquals(alarms, ["[1453498434.004321] app.crit[0]: fire\n"]);
  assertEquals(up, [`${line(6, "a")}\n${line(2, "fire")}`]);
});

Deno.test("LogService.append() makes an entry of each line of a text, under the same head", () => {
  const { log } = world(0);
  log.append(line(6, "a\n\nb b\n"));
  assertEquals(ringTexts(log), ["a", "b b"]);
  assertEquals(log.ring.line(1), line(6, "b b"));
  assertEquals(log.local, 2);
});

Deno.test("LogService.append() refuses what is no log line with EPROTO and keeps nothing of it", () => {
  const { log } = world(0);
  assertThrows(() => log.append("hello"), { errno: "EPROTO" });
  assertEquals([log.ring.next, log.local], [0, 0]);
});

Deno.test("LogService.receive() at rank 0 keeps and writes the lines of others, those its level lets in", async () => {
  const { clock, log, written } = world(0);
  log.receive(`${line(6, "a", 3)}\n${line(7, "b", 3)}\n${line(3, "c", 4)}`);
  await clock.run(0);
  assertEquals(ringTexts(log), ["a", "c"]);
  assertEquals(written, ["[1453498434.004321] app.info[3]: a\n[1453498434.004321] app.err[4]: c\n"]);
  assertEquals([log.local, log.remote], [0, 2]);
});

Deno.test("LogService.receive() below rank 0 passes lines on, filters them again, and keeps none", async () => {
  const { clock, log, up } = world(1);
  log.level = 3;
  log.receive(`${line(6, "a", 3)}\n${line(3, "b", 3)}`);
  await clock.runUntilIdle();
  assertEquals([up, log.ring.next], [[line(3, "b", 3)], 0]);
});

Deno.test("LogService.log() has the time, rank and process of the broker", () => {
  const { log } = world(1);
  log.log("err", "what", "overlay");
  assertEquals(log.ring.line(0), "<24>1 2026-01-01T00:00:00.000000Z 1 overlay 42 - - what");
});

Deno.test("LogService.close() shows what could not be sent, and from then on what is logged", async () => {
  const clock = virtualClock();
  const alarms: string[] = [];
  const log = new LogService({
    clock,
    rank: 3,
    pid: 42,
    level: 1,
    maxLevel: 1,
    sendUp: () => false,
    sink: () => {},
    alarm: (text) => void alarms.push(text),
  });
  log.append(line(6, "a", 3));
  log.close();
  assertEquals(alarms, ["[1453498434.004321] app.info[3]: a\n"]);
  log.append(line(6, "b", 3));
  await clock.runUntilIdle();
  assertEquals(alarms[1], "[1453498434.004321] app.info[3]: b\n");
});
