import fc from "fast-check";
import type { Outcome } from "../../../broker/handle/rendezvous.ts";
import { assert, assertEquals } from "../../assert.ts";
import { check } from "../../property.ts";
import { seededRandom } from "../../sim/seeded_random.ts";
import { type Faults, RendezvousWorld } from "./rendezvous_world.ts";

const scope = "1000:1";

/** Every client enters the same name again and again, as soon as it was let through. */
function rounds(
  size: number,
  clients: readonly number[],
  count: number,
  seed: number,
  faults: Faults,
): RendezvousWorld {
  const world = new RendezvousWorld(size, seededRandom(seed), faults);
  const terms = { name: "x", scope, nprocs: clients.length };
  const answers: number[][] = clients.map(() => []);
  clients.forEach((rank, client) => {
    const enter = (round: number): void => {
      if (round === count) return;
      const told = ({ errnum, text, value }: Outcome) => {
        assertEquals(errnum, 0, text);
        answers[client]!.push(Number(value!.meeting));
        world.later(() => enter(round + 1));
      };
      world.enter(rank, `${client}`, terms, told, `${client} in round ${round}`);
    };
    world.later(() => enter(0));
  });
  world.run();
  const everyRound = Array.from({ length: count }, (_, round) => round + 1);
  for (const answered of answers) assertEquals(answered, everyRound);
  world.met.forEach(({ bodies }, round) => {
    assertEquals(bodies.toSorted(), clients.map((_, client) => `${client} in round ${round}`).sort());
  });
  assertEquals([world.waiting, world.meetings.size], [0, 0]);
  return world;
}

const place = fc.integer({ min: 2, max: 12 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    clients: fc.array(fc.integer({ min: 0, max: size - 1 }), { minLength: 1, maxLength: 10 }),
    count: fc.integer({ min: 1, max: 4 }),
    seed: fc.nat(),
  })
);

Deno.test("Meetings counts every party once in every round, whatever is lost, doubled, late, or moved to another parent", () => {
  const chance = fc.double({ min: 0, max: 0.4, noNaN: true });
  check(fc.property(place, fc.record({ loss: chance, ghost: chance, move: chance }), (where, faults) => {
    rounds(where.size, where.clients, where.count, where.seed, faults);
  }));
});

Deno.test("Gathering.flush() sends few parcels: one up each link when every rank brings its share", () => {
  check(fc.property(fc.integer({ min: 2, max: 60 }), fc.nat(), (size, seed) => {
    const world = new RendezvousWorld(size, seededRandom(seed));
    const terms = { name: "x", scope, nprocs: size };
    let told = 0;
    for (let rank = 0; rank < size; rank++) world.enter(rank, `${rank}`, terms, () => told++);
    world.run();
    assertEquals(told, size);
    // A flush of what came until then may come before the last child has reported.
    assert(world.parcels <= 3 * (size - 1), `${world.parcels} parcels over ${size - 1} links`);
  }));
});

Deno.test("Meetings forgets outcomes that everyone knows", () => {
  check(
    fc.property(place, ({ size, clients, seed }) => {
      const world = rounds(size, clients, 20, seed, { loss: 0.1, ghost: 0.1, move: 0.1 });
      // Of each rank, at most what its latest batches have not told to be known.
      assert(world.meetings.remembered <= 2 * clients.length, `${world.meetings.remembered}`);
    }),
    50,
  );
});

Deno.test("Meetings keeps pairs apart that meet under one name one after the other", () => {
  check(fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 12 }), fc.nat(), (size, pairs, seed) => {
    const random = seededRandom(seed);
    const world = new RendezvousWorld(size, random, { loss: 0.2, ghost: 0.2, move: 0.2 });
    const terms = { name: "x", scope, nprocs: 2 };
    let answered = 0;
    const begun = new Set<number>();
    const pair = (n: number): void => {
      if (n === pairs || begun.has(n)) return;
      begun.add(n);
      // The one who is told first starts the next pair, while the other may not know yet.
      const told = ({ errnum, text }: Outcome) => {
        assertEquals(errnum, 0, text);
        answered++;
        world.later(() => pair(n + 1));
      };
      for (const who of ["a", "b"]) world.enter(random.below(size), `${who}${n}`, terms, told);
    };
    pair(0);
    world.run();
    assertEquals(answered, 2 * pairs);
    assertEquals(
      world.met.map(({ bodies }) => bodies.sort()),
      Array.from({ length: pairs }, (_, n) => [`a${n}`, `b${n}`]),
    );
    assertEquals(world.waiting, 0);
  }));
});

Deno.test("Meetings fails a meeting for all when a party leaves, also for who was on the way, or lets them all through", () => {
  check(fc.property(place, fc.nat(), ({ size, clients, seed }, leaver) => {
    const world = new RendezvousWorld(size, seededRandom(seed), { loss: 0.2, ghost: 0.1, move: 0.1 });
    const terms = { name: "x", scope, nprocs: clients.length };
    const gone = leaver % clients.length;
    const outcomes: (number | undefined)[] = clients.map(() => undefined);
    let entered = 0;
    const waiters = clients.map(() => undefined as ReturnType<typeof world.enter> | undefined);
    clients.forEach((rank, client) =>
      world.later(() => {
        waiters[client] = world.enter(rank, `${client}`, terms, ({ errnum }) => {
          assertEquals(outcomes[client], undefined, "told twice");
          outcomes[client] = errnum;
        });
        if (++entered === clients.length) world.later(() => world.leave(clients[gone]!, waiters[gone]!));
      })
    );
    world.run();
    const rest = outcomes.filter((_, client) => client !== gone);
    assertEquals(rest, rest.map(() => world.met.length > 0 ? 0 : 103));
    assertEquals([world.waiting, world.meetings.size], [0, 0]);
  }));
});
