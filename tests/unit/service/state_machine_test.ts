import { StateMachine, stateNumber, STATES } from "../../../broker/service/state_machine.ts";
import { stateService } from "../../../broker/service/state_service.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { served } from "./served.ts";

Deno.test("StateMachine.enter() goes forward only", () => {
  let now = 1000;
  const machine = new StateMachine(() => now);
  assertEquals(machine.state, "load-builtins");
  const seen: string[] = [];
  using _watch = machine.watch((state) => seen.push(state));
  assertEquals([machine.enter("join"), machine.enter("run"), machine.enter("run"), machine.enter("init")], [
    true,
    true,
    false,
    false,
  ]);
  now += 250;
  assertEquals([machine.state, machine.duration, seen], ["run", 250, ["join", "run"]]);
});

Deno.test("stateNumber() is the number on the wire", () => {
  assertEquals(STATES.map(stateNumber), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assertEquals([stateNumber("run"), stateNumber("exit")], [5, 11]);
});

Deno.test("StateMachine.when() resolves when the state is reached or passed, and rejects on abort", async () => {
  const machine = new StateMachine(() => 0);
  const abort = new AbortController();
  const reached = machine.when("quorum"), aborted = machine.when("exit", abort.signal);
  machine.enter("run");
  await reached;
  await machine.when("join");
  abort.abort(new Error("enough"));
  let reason = "";
  await aborted.catch((error) => reason = error.message);
  assertEquals(reason, "enough");
});

Deno.test("state-machine.get answers the duration as a real number", async () => {
  const machine = new StateMachine(() => 0), { server, router } = await served(stateService(machine));
  const texts: string[] = [];
  router.tap((_direction, _id, { payload, topic }) =>
    topic === "state-machine.get" && payload && texts.push(new TextDecoder().decode(payload))
  );
  assertEquals(await server.rpc("state-machine.get"), { state: "load-builtins", duration: 0 });
  assert(texts.some((text) => text.includes('"duration":0.0')), texts.join());
});

Deno.test("state-machine.wait answers when the broker runs, and fails when it never will", async () => {
  const machine = new StateMachine(() => 0), { server } = await served(stateService(machine));
  const waiting = server.rpc("state-machine.wait");
  machine.enter("run");
  await waiting;
  machine.enter("cleanup");
  await server.rpc("state-machine.wait");
  const failed = new StateMachine(() => 0), other = (await served(stateService(failed))).server;
  failed.enter("cleanup");
  await assertRejects(other.rpc("state-machine.wait"), { errno: "EINVAL", text: "broker is in state cleanup" });
});

Deno.test("state-machine.monitor streams every transition up to the final one", async () => {
  const machine = new StateMachine(() => 0), { server } = await served(stateService(machine));
  const states: number[] = [];
  const reading = (async () => {
    for await (const { state } of server.stream<{ state: number }>("state-machine.monitor", { final: 7 })) {
      states.push(state);
    }
  })();
  for (const state of ["join", "run", "cleanup", "shutdown", "exit"] as const) machine.enter(state);
  await reading;
  assertEquals(states, [0, 1, 5, 6, 7]);
});

Deno.test("state-machine.monitor without streaming answers the present state", async () => {
  const machine = new StateMachine(() => 0), { server } = await served(stateService(machine));
  assertEquals(await server.rpc("state-machine.monitor", { final: 5 }), { state: 0 });
});
