import { MessageStream } from "../../../broker/handle/message_stream.ts";
import { encodeStream, Message, MessageType } from "../../../broker/message/mod.ts";
import { assertEquals } from "../../assert.ts";

const said = (topic: string) => new Message({ type: MessageType.event, topic });

/** A peer that takes nothing, says `words` when asked for them, and is gone then. */
function leaving(...words: string[]) {
  const asked = Promise.withResolvers<void>();
  let isClosed = false;
  const pieces = words.map((topic) => encodeStream(said(topic)));
  const stream = new MessageStream({
    async read(into) {
      await asked.promise;
      const piece = pieces.shift();
      if (!piece) return null;
      into.set(piece);
      return piece.length;
    },
    write: () => Promise.reject(new Deno.errors.BrokenPipe()),
    close: () => void (isClosed = true),
  });
  return { stream, ask: asked.resolve, isClosed: () => isClosed };
}

Deno.test("MessageStream reads what a peer has said before it went, though nothing can be written to it any more", async () => {
  const { stream, ask, isClosed } = leaving("a", "b");
  const heard: string[] = [];
  const reading = stream.receive(({ topic }) => heard.push(topic));
  stream.send(said("x"));
  await stream.drain();
  stream.send(said("y"));
  ask();
  await reading;
  assertEquals([heard, stream.backlog, isClosed()], [["a", "b"], 0, false]);
});

Deno.test("MessageStream.close() of a stream that breaks while it is written closes it", async () => {
  const { stream, isClosed } = leaving();
  stream.send(said("x"));
  stream.close();
  await stream.drain();
  await Promise.resolve();
  assertEquals(isClosed(), true);
});
