import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Crowd } from "./crowd.ts";

test("whoever comes and goes, it knows how many are here of each network, and who of the largest came first", () => {
  const step = fc.record({ network: fc.constantFrom("a", "b", "c"), member: fc.nat(5), comes: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const crowd = new Crowd<string>();
      const here: { network: string; member: string }[] = []; // oldest first
      for (const { network, member: number, comes } of steps) {
        const member = `${network}${number}`;
        const at = here.findIndex((one) => one.member === member);
        if (comes) {
          crowd.add(network, member);
          if (at === -1) here.push({ network, member });
        } else {
          assert.equal(crowd.remove(network, member), at !== -1);
          if (at !== -1) here.splice(at, 1);
        }
        const count = (of: string) => here.filter((one) => one.network === of).length;
        const most = Math.max(...["a", "b", "c"].map(count));
        assert.equal(crowd.size, here.length);
        assert.deepEqual([crowd.of("a"), crowd.of("b"), crowd.of("c")], [count("a"), count("b"), count("c")]);
        assert.equal(crowd.most, most);
        assert.equal(crowd.oldestOf("a"), here.find((one) => one.network === "a")?.member);
        const oldests = ["a", "b", "c"]
          .filter((of) => count(of) === most)
          .map((of) => here.find((one) => one.network === of)?.member);
        assert.ok(oldests.includes(crowd.oldestOfMost));
      }
    }),
  );
});
