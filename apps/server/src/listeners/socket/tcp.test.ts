import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import { TestClock } from "../../testing/clock.ts";
import { Arrivals } from "../arrivals.ts";
import { TcpListener } from "./tcp.ts";

/** A port whose frames are answered as they came, and a client of it. */
async function opened(t: TestContext) {
  const clock = new TestClock();
  const rates = { openOfNetwork: 100, perSecondOfNetwork: 100 };
  const arrivals = new Arrivals({ clock, timers: clock, report: () => undefined, proxies: [], ...rates });
  const listener = await TcpListener.open({
    sockets: { receive: (bytes, sender) => sender.answer(new Uint8Array(bytes)) },
    arrivals,
    timers: clock,
    host: "127.0.0.1",
    port: 0,
  });
  const before = clock.waiting;
  const client = connect(listener.port, "127.0.0.1");
  t.after(async () => {
    client.destroy();
    await listener.close();
    arrivals.close();
  });
  await once(client, "connect");
  while (clock.waiting === before) await new Promise(setImmediate);
  let isOver = false;
  client.on("error", () => client.destroy()).on("close", () => (isOver = true));
  client.setNoDelay(true);
  const arrived = async () => {
    for (let turn = 0; turn < 25 && !isOver; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  return {
    clock,
    client,
    /** Sends whole frames, and hears their echoes. */
    async say(...bytes: number[]) {
      client.write(Uint8Array.from(bytes));
      await once(client, "data");
    },
    /** Whether it is over a while later; before and behind that whatever is on its way has come. */
    async pass(milliseconds: number) {
      await arrived();
      clock.move(milliseconds);
      await arrived();
      return isOver;
    },
  };
}

test("a connection on which no frame is whole in ten seconds is closed, however it drips", async (t) => {
  const { client, pass } = await opened(t);
  assert.equal(await pass(1_000), false);
  client.write(Uint8Array.of(0));
  assert.equal(await pass(4_000), false);
  client.write(Uint8Array.of(2));
  assert.equal(await pass(4_999), false);
  client.write(Uint8Array.of(7));
  assert.equal(await pass(1), true);
});

test("behind a whole frame there are ten minutes, and ten seconds for the next once it was begun", async (t) => {
  const { client, say, pass } = await opened(t);
  await say(0, 1, 7);
  assert.equal(await pass(599_999), false);
  await say(0, 1, 7);
  assert.equal(await pass(599_999), false);
  await say(0, 1, 7, 0);
  assert.equal(await pass(9_999), false);
  client.write(Uint8Array.of(1));
  assert.equal(await pass(1), true);
  const silent = await opened(t);
  await silent.say(0, 1, 7);
  assert.equal(await silent.pass(600_000), true);
});
