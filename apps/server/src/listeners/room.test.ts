import assert from "node:assert/strict";
import { test } from "node:test";
import { Room } from "./room.ts";

test("whoever asks for very much pushes out what he asked for himself, and nobody fills the room for others", () => {
  const room = new Room();
  assert.equal(room.take("192.0.2.1", "hers"), undefined);
  const gone = Array.from({ length: 150 }, (_, at) => room.take(`2001:db8::${at}`, `flood ${at}`));
  assert.deepEqual(
    gone.slice(0, 100),
    Array.from({ length: 100 }, () => undefined),
  );
  assert.equal(gone[100], "flood 0");
  assert.equal(gone[149], "flood 49");
  // From very many networks: the one that has most gives way.
  const all = Array.from({ length: 9_950 }, (_, at) => room.take(`2001:db9:${at.toString(16)}::1`, `wide ${at}`));
  assert.deepEqual([all[9_898], all[9_899], all.at(-1)], [undefined, "flood 50", "flood 100"]);
});
