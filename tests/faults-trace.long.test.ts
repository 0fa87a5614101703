import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { connectAsync } from "mqtt";
import { childrenOf, Deployment } from "./faults/deployment.ts";
import { Chance } from "./faults/seed.ts";
import { traced, untraceable } from "./faults/trace.ts";

const why = untraceable();

test(
  "PostgreSQL's log is flushed to the disk before the PUBACK is written to the socket",
  { skip: why ?? false },
  async (t) => {
    const deployment = await Deployment.make(new Chance());
    t.after(() => deployment.close());
    await deployment.start();
    const { token } = await deployment.setUp();
    const me = deployment.visitor.as(token);
    const application = await me.post<{ id: string }>("/v1/applications", { name: "Traced" });
    const device = await me.post<{ key: { id: string; secret: string } }>("/v1/devices", {
      application: application.id,
      name: "Traced",
    });
    const client = await connectAsync(`mqtts://localhost:${deployment.mqttsPort}`, {
      ca: readFileSync(deployment.caFile, "utf8"),
      username: device.key.id,
      password: device.key.secret,
    });
    const { postmaster = 0, ready } = deployment;
    const { localPort } = client.stream as unknown as { localPort: number }; // a TLS socket
    const calls = await traced(
      [ready.pid, ...childrenOf(postmaster)],
      ["write", "writev", "sendto", "sendmsg", "fdatasync", "fsync", "pwrite64"],
      path.join(deployment.folder, "trace"),
      async () => {
        for (let n = 0; n < 3; n += 1) await client.publishAsync("me/telemetry", `{"given":${n}}`, { qos: 1 });
      },
    );
    const toClient = calls.filter(({ pid, text }) => pid === ready.pid && text.includes(`->127.0.0.1:${localPort}]>`));
    const toDatabase = calls.filter(({ pid, text }) => pid === ready.pid && /<UNIX(-STREAM)?:\[/.test(text));
    const flushes = calls.filter(
      ({ name, text, result }) => /^f(data)?sync$/.test(name) && text.includes("/pg_wal/") && result === "0",
    );
    assert.equal(toClient.length, 3, "one write for each PUBACK");
    let before = 0;
    for (const puback of toClient) {
      const append = toDatabase.find(({ entered }) => entered > before);
      assert.ok(append, "the reading went to PostgreSQL");
      const flush = flushes.find(({ entered }) => entered > append.entered);
      assert.ok(flush, "PostgreSQL flushed its log after that");
      assert.ok(flush.answered < puback.entered, `flushed at ${flush.answered}, PUBACK at ${puback.entered}`);
      const after = (at: number) => `${Math.round((at - append.entered) * 1e6)} µs`;
      t.diagnostic(
        `to PostgreSQL; flush ${after(flush.entered)} to ${after(flush.answered)} later; PUBACK ${after(puback.entered)} later`,
      );
      before = puback.entered;
    }
    await client.endAsync();
    assert.equal((await deployment.stop()).code, 0);
  },
);
