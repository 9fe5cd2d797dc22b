import { until } from "../../../broker/handle/mod.ts";
import { Server } from "../../../broker/handle/server.ts";
import { encodeJson, errnum, Flag, type JsonObject, Message, MessageType, Role } from "../../../broker/message/mod.ts";
import { assertEquals } from "../../assert.ts";

function served() {
  const answers: number[] = [];
  const ends = Promise.withResolvers<void>();
  const server = new Server({ respond: ({ errnum }) => void answers.push(errnum), fault: () => {} });
  server.add({ "a.stream": () => until(ends.promise) });
  const send = (topic: string, routes: string[], payload: JsonObject, flags: number, matchtag: number) =>
    server.dispatch(
      new Message({
        type: MessageType.request,
        topic,
        routes,
        flags,
        aux2: matchtag,
        userid: 1,
        rolemask: Role.owner,
        payload: encodeJson(payload),
      }),
    );
  return {
    server,
    answers,
    ends,
    stream: (routes: string[]) => send("a.stream", routes, {}, Flag.streaming, 1),
    cancel: (routes: string[], payload: JsonObject) => send("a.cancel", routes, payload, Flag.noresponse, 0),
  };
}

Deno.test("a cancel that a broker sent for an earlier request with the same matchtag ends that one alone", () => {
  const { server, answers, stream, cancel } = served();
  stream(["client", "new link", "here"]);
  cancel(["client", "lost link", "here"], { matchtag: 1, retraced: true });
  assertEquals([server.pending, answers], [1, []]);
  cancel(["client", "new link", "here"], { matchtag: 1, retraced: true });
  assertEquals([server.pending, answers], [0, [errnum("ENODATA")]]);
});

Deno.test("a request whose matchtag came again by another way is still there, and is ended by its own cancel", () => {
  const { server, stream, cancel } = served();
  stream(["client", "link"]);
  stream(["client", "link", "further"]);
  assertEquals(server.pending, 2);
  cancel(["client", "link"], { matchtag: 1, retraced: true });
  assertEquals(server.pending, 1);
  cancel(["client", "link"], { matchtag: 1, retraced: true });
  assertEquals(server.pending, 1);
  server.gone("further");
  assertEquals(server.pending, 0);
});

Deno.test("a sender's own cancel ends its stream, whichever way it comes", () => {
  const { server, stream, cancel } = served();
  stream(["client", "one link"]);
  cancel(["stranger", "one link"], { matchtag: 1 });
  assertEquals(server.pending, 1);
  cancel(["client", "another link"], { matchtag: 1 });
  assertEquals(server.pending, 0);
});

Deno.test("a stream whose sender is out of reach does not end as if it were whole", async () => {
  const { server, answers, ends, stream } = served();
  stream(["client", "link"]);
  server.gone("link");
  ends.resolve();
  await ends.promise;
  await new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(undefined))));
  assertEquals(answers, [errnum("EHOSTUNREACH")]);
});
