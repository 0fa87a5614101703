import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressOf } from "./address.ts";

const base = new URL("https://platform.example:8443/behind/");
const route = { path: "/v1/devices/{device}/keys" } as const;

test("an address is below the platform's own, with what is asked behind it", () => {
  const url = addressOf(base, route, { device: "dev_1" }, { limit: 5, cursor: undefined, tag: "site=a&b" });
  assert.equal(url.href, "https://platform.example:8443/behind/v1/devices/dev_1/keys?limit=5&tag=site%3Da%26b");
});

test("a parameter stays one segment of the path, whatever it holds, or is refused", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom("..", ".", "", "../..", "%2e%2e", "a/b", "?a#b", "\ud800"),
      ),
      (device) => {
        let url: URL;
        try {
          url = addressOf(base, route, { device }, {});
        } catch (error) {
          assert.ok(error instanceof Error && "code" in error && error.code === "id.malformed");
          assert.match(device, /^(\.{0,2}|\ud800)$/);
          return;
        }
        const parts = url.pathname.split("/");
        assert.equal(parts.length, 6);
        assert.equal(url.search + url.hash, "");
        assert.equal(decodeURIComponent(parts[4] ?? ""), device);
      },
    ),
  );
});
