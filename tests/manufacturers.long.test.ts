import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reply } from "@holdfast/client";
import { systemClock } from "@holdfast/kernel";
import type { routes } from "@holdfast/protocol";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, type Problem, type Thing } from "./authority.fixture.ts";
import { Manufacturer } from "./manufacturers.fixture.ts";

const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();

test("an organisation has a hundred manufacturers at most, not counting those that were revoked", async () => {
  const acme = await Manufacturer.of(systemClock.now());
  const add = async (at: number) => {
    const path = `/v1/applications/${application.id}/manufacturers`;
    const { certificate } = acme;
    const { nonce, text } = await owner.asks.post<Reply<typeof routes.askManufacturer>>(`${path}/nonce`, {
      certificate,
    });
    const product = (await owner.product(`Pump ${at}`)).id;
    const body = { name: "Acme", product, certificate, nonce, signature: acme.sign(text) };
    return owner.asks.send<Thing & Problem>("POST", path, { body });
  };
  let last: Awaited<ReturnType<typeof add>> | undefined;
  for (let at = 0; at < 100; at++) {
    last = await add(at);
    assert.equal(last.status, 201);
  }
  assert.equal((await add(100)).body.code, "manufacturer.tooMany");
  await owner.revoke(last?.body.id ?? "");
  assert.equal((await add(101)).status, 201);
});
