import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiProblem, type LiveEvent } from "@holdfast/client";
import { follow } from "./follow.ts";

const problem = (status: number, retryAfterSeconds?: number) =>
  new ApiProblem("No.", { code: "some.code", status, faults: [], requestId: "", retryAfterSeconds });

test("a stream of which there are too many is begun again when the platform says, one that is refused is not", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told: string[] = [];
  let begun = 0;
  const watch = async function* (): AsyncGenerator<LiveEvent> {
    begun += 1;
    yield* [];
    throw begun === 1 ? problem(429, 7) : problem(403);
  };
  const following = follow(
    { watch },
    {},
    {
      signal: new AbortController().signal,
      onOpen: () => undefined,
      hear: () => undefined,
      away: () => told.push("away"),
      refused: () => told.push("refused"),
    },
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  t.mock.timers.tick(6_999);
  await turn();
  assert.deepEqual([begun, told], [1, ["away"]]);
  t.mock.timers.tick(1);
  await following;
  assert.deepEqual([begun, told], [2, ["away", "refused"]]);
});
