import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import tls from "node:tls";
import { systemClock } from "@holdfast/kernel";
import { nodeTransport } from "@holdfast/client/node";
import { routes } from "@holdfast/protocol";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { startWorld } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";

// What a member may know of how the platform is set up: the console's page about security, and an auditor, read it.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, ours, theirs } = world;
const { visitor } = platform;
const { ca, port, mqttPort } = placeOf(platform);
const read = async (token: string) =>
  routes.readPlatform.reply.parse(await visitor.as(token).get<unknown>("/v1/platform"));

/** What is agreed with somebody who offers all that his OpenSSL knows. */
async function agreed(at: number, maxVersion: "TLSv1.2" | "TLSv1.3") {
  const socket = tls.connect({ host: "127.0.0.1", servername: "localhost", port: at, ca, maxVersion });
  await once(socket, "secureConnect");
  const { name } = socket.getCipher();
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return { name, fingerprint256 };
}

test("what it says of itself is what one meets on its ports", async () => {
  const facts = await read(world.viewer);
  const { url, mqttsUrl, caPem } = platform.platform;
  assert.deepEqual([facts.url, facts.mqttsUrl, facts.caPem], [url, mqttsUrl, caPem]);
  assert.match(facts.version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(
    facts.listeners.map(({ protocol, port: number }) => [protocol, number]),
    [
      ["https", port],
      ["mqtts", mqttPort],
    ],
  );
  assert.equal(facts.tls.minimum, "TLS 1.2");
  const server = facts.certificates.find(({ what }) => what === "server");
  for (const one of [port, mqttPort]) {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const { name, fingerprint256 } = await agreed(one, version);
      assert.ok(facts.tls.suites.includes(name), name);
      assert.equal(server?.sha256, fingerprint256);
    }
    const old = tls.connect({
      host: "127.0.0.1",
      servername: "localhost",
      port: one,
      ca,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await assert.rejects(once(old, "secureConnect"));
  }
  const trusted = await visitor.get<{ certificates: { sha256: string; state: string }[] }>("/security/certificates");
  assert.deepEqual(
    facts.certificates.filter(({ what }) => what === "authority").map(({ sha256, state }) => ({ sha256, state })),
    trusted.certificates.map(({ sha256, state }) => ({ sha256, state })),
  );
  assert.equal(facts.limits.maximumMessage, platform.config.maximumMessage);
  const { place, besideData, backedUpAt, newSinceBackup } = facts.keys;
  assert.deepEqual([place, besideData, backedUpAt], ["folder beside the data", true, undefined]);
  assert.ok(newSinceBackup >= 2, "of two organisations at least");
});

test("how old the keys are is told: each member's of her own organisation, and of the keyring's", async () => {
  const { made } = (await read(world.viewer)).keys;
  const first = made.root; // the three of the keyring are made with it
  assert.equal(first?.known, "exactly");
  assert.deepEqual(made, { ...made, lasting: first, passing: first });
  assert.ok(Date.parse(first.at) <= Date.parse(made.organisation?.at ?? ""));
  world.clock.move(90_000);
  const later = (await read((await platform.setUp()).token)).keys.made;
  const organisation = { at: new Date(world.clock.now()).toISOString(), known: "exactly" };
  assert.deepEqual(later, { ...made, organisation });
});

test("where its folders are is for administrators of the instance alone", async () => {
  const { data, keys } = platform.config;
  assert.deepEqual((await read(ours.token)).folders, { data, keys });
  const narrow = await ours.tokenOf(["org.read"]);
  for (const token of [theirs.token, world.viewer, narrow.token]) {
    const answer = await visitor.as(token).send("GET", "/v1/platform");
    assert.equal(answer.status, 200);
    for (const folder of [data, keys]) assert.ok(!answer.text.includes(folder));
  }
});

test("the command shows it, and says when the keys lie beside the data", async () => {
  const env = { HOLDFAST_URL: platform.platform.url, HOLDFAST_TOKEN: ours.token };
  const options = { clock: systemClock, transport: () => nodeTransport({ ca }), env };
  const { exit, out, err } = await holdfast(["security", "show"], options);
  assert.equal(exit, 0, err);
  assert.match(out, /key of this organisation +made \d{4}-\d\d-\d\d.*\nroot key +made \d{4}/);
  for (const text of ["X25519MLKEM768", "TLS 1.2 and newer", "never", platform.config.keys])
    assert.ok(out.includes(text));
  assert.match(err, /whoever takes it has both/);
  const json: unknown = JSON.parse((await holdfast(["security", "show", "--json"], options)).out);
  assert.deepEqual(routes.readPlatform.reply.parse(json), await read(ours.token));
});
