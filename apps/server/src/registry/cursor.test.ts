import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { atEnd, freshStorage } from "../testing/index.ts";
import { openCursor, sealCursor, type Listing } from "./cursor.ts";

const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const scope = await fresh.storage.makeOrg(newId("org", systemRandom));
const other = await fresh.storage.makeOrg(newId("org", systemRandom));
const listing: Listing = { order: "name", filter: { tags: [{ key: "site", value: "a" }], words: ["pump"] } };
const place = { by: "Pump 7", id: newId("device", systemRandom) };

test("a cursor leads back to its place, and shows nothing of it", () => {
  const text = sealCursor(scope, listing, place);
  assert.deepEqual(openCursor(scope, listing, text), place);
  assert.ok(!Buffer.from(text, "base64url").includes("Pump"));
  assert.match(text, /^[\w-]+$/);
  const longest = { by: '"'.repeat(200), id: place.id };
  assert.ok(sealCursor(scope, listing, longest).length <= 1_200, "the API takes it back");
});

test("a cursor of another sort, filter or organisation, or one that was changed, is refused", () => {
  const text = sealCursor(scope, listing, place);
  const refused = (...[of, asked, given]: Parameters<typeof openCursor>) =>
    assert.throws(() => openCursor(of, asked, given), { code: "cursor.malformed" });
  refused(other, listing, text);
  refused(scope, { ...listing, order: "-name" }, text);
  refused(scope, { ...listing, filter: { ...listing.filter, words: [] } }, text);
  refused(scope, { ...listing, filter: { ...listing.filter, tags: [] } }, text);
  refused(scope, { ...listing, filter: { ...listing.filter, presence: "online" } }, text);
  for (const broken of ["", "!", "1.2", text.slice(1), `${text}A`, text.toUpperCase()]) refused(scope, listing, broken);
});
