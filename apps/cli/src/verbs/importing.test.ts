import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { folderFor, holdfast, json, serve } from "../testing/world.ts";

const id = (prefix: string, number: number): string => `${prefix}_${String(number).padStart(32, "0")}`;
const application = id("app", 1);
const [there, perPage] = [12_500, 1_000];

test("a dry run knows every alias and every product there is, also the last of more than ten thousand", async (t) => {
  const createdAt = "2026-06-01T11:55:00.000Z";
  const presence = { state: "never", connected: false };
  const device = (at: number) => {
    const alias = `pump-${at}`;
    return {
      id: id("dev", at),
      state: "active",
      name: alias,
      alias,
      application,
      tags: {},
      createdAt,
      presence,
      version: 1,
    };
  };
  const product = (at: number) => ({
    id: id("prd", at),
    name: `Product ${at}`,
    strict: false,
    onViolation: "refuse",
    times: {},
    attributes: {},
    schemaVersion: 1,
    createdAt,
    version: 1,
  });
  const env = await serve(t, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "https://x");
    const from = Number(searchParams.get("cursor") ?? 0);
    const until = Math.min(from + perPage, there);
    const numbers = Array.from({ length: until - from }, (_, more) => from + more);
    const items = pathname === "/v1/devices" ? numbers.map(device) : numbers.map(product);
    json(response, 200, { items, total: there, ...(until < there && { nextCursor: String(until) }) });
  });
  const file = path.join(folderFor(t), "in.csv");
  writeFileSync(file, `name,alias,product\nOld,pump-${there - 1},\nNew,pump-${there},Product ${there - 1}\n`);
  const { exit, out, err } = await holdfast(["device", "import", file, "--application", application, "--dry-run"], {
    env,
  });
  assert.match(err, /1 devices would be made, 1 rows are not good/);
  assert.equal(out.trim(), `row 2: the alias pump-${there - 1} is a device's already`);
  assert.equal(exit, 2);
});
