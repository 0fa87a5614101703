import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatNetwork, includes, isAddressOf, parseNetwork, partsOf, type Network } from "./network.ts";

function network(text: string): Network {
  const read = parseNetwork(text);
  assert.ok(typeof read !== "string", text);
  return read;
}

test("an address is of a network when it begins with its bits, however either is written", () => {
  for (const [outer, address] of [
    ["10.0.0.0/8", "10.255.0.1"],
    ["10.0.0.0/8", "::ffff:10.1.2.3"],
    ["10.0.0.0/8", "::ffff:a01:203"],
    ["::ffff:10.0.0.0/104", "10.1.2.3"],
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8::/32", "2001:0DB8:ffff::1"],
    ["fe80::/10", "fe80::1%eth0"],
  ] as const)
    assert.ok(isAddressOf(network(outer), address), `${address} in ${outer}`);
  for (const [outer, address] of [
    ["10.0.0.0/8", "11.0.0.1"],
    ["192.0.2.7", "192.0.2.6"],
    ["2001:db8::/32", "2001:db9::1"],
    ["::/16", "10.0.0.1"],
    ["::/16", "::ffff:10.0.0.1"],
  ] as const)
    assert.ok(!isAddressOf(network(outer), address), `${address} not in ${outer}`);
});

test("what is no network, or says nothing, is refused with what to write", () => {
  for (const [text, because] of [
    ["", /not an address/],
    ["10.0.0", /not an address/],
    ["10.0.0.0/8/8", /not an address/],
    ["10.0.0.0/", /not an address/],
    ["fe80::1%eth0", /not an address/],
    ["010.0.0.1", /not an address/],
    ["10.0.0.0/33", /at most 32/],
    ["0.0.0.0/0", /everybody/],
    ["::/0", /everybody/],
    ["::ffff:0.0.0.0/96", /everybody/],
    ["10.0.0.7/8", /write 10\.0\.0\.0\/8/],
    ["2001:db8::1/32", /write 2001:db8::\/32/],
  ] as const) {
    const read = parseNetwork(text);
    assert.match(typeof read === "string" ? read : "nothing", because, text);
  }
});

const anyNetwork = fc
  .tuple(fc.constantFrom(4 as const, 6 as const), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.nat())
  .map(([family, bits, some]): Network => {
    const most = family === 4 ? 32 : 128;
    const prefix = 1 + (some % most);
    const behind = BigInt(most - prefix);
    return { family, prefix, value: ((bits & ((1n << BigInt(most)) - 1n)) >> behind) << behind };
  })
  .filter(({ family, value }) => family === 4 || value >> 32n !== 0xffffn);

test("a network reads back as it was written, in one spelling", () => {
  fc.assert(
    fc.property(anyNetwork, (one) => {
      assert.deepEqual(parseNetwork(formatNetwork(one)), one);
    }),
  );
  assert.equal(formatNetwork(network("2001:0DB8:0:0:1:0:0:0/112")), "2001:db8:0:0:1::/112");
  assert.equal(formatNetwork(network("::ffff:10.0.0.0/104")), "10.0.0.0/8");
  assert.equal(formatNetwork(network("::1")), "::1");
});

test("a network includes another when every address of that is one of its own", () => {
  fc.assert(
    fc.property(anyNetwork, anyNetwork, (one, other) => {
      const least = { ...other, prefix: other.family === 4 ? 32 : 128 };
      if (includes(one, other)) assert.ok(includes(one, least));
      else assert.ok(one.family !== other.family || one.prefix > other.prefix || !includes(one, least));
    }),
  );
  assert.ok(includes(network("10.0.0.0/8"), network("10.1.0.0/16")));
  assert.ok(!includes(network("10.1.0.0/16"), network("10.0.0.0/8")));
});

test("a network falls into parts of which each is in or out of every other network as a whole", () => {
  const inside = fc.record({ prefix: fc.integer({ min: 20, max: 32 }), host: fc.nat({ max: 4095 }) });
  fc.assert(
    fc.property(fc.array(inside, { maxLength: 6 }), fc.nat({ max: 255 }), (given, last) => {
      const whole = network("10.1.2.0/24");
      const others = given.map(({ prefix, host }): Network => {
        const behind = BigInt(32 - prefix);
        const address = 0x0a010000n + BigInt(host);
        return { family: 4, prefix, value: (address >> behind) << behind };
      });
      const parts = partsOf(whole, others, 1_000);
      assert.ok(parts);
      const own = parts.filter((part) => Number(part.split(".").at(-1)) <= last);
      const part = own.toSorted((a, b) => Number(b.split(".").at(-1)) - Number(a.split(".").at(-1)))[0];
      assert.ok(part, "the first begins with the network");
      for (const other of others) assert.equal(isAddressOf(other, part), isAddressOf(other, `10.1.2.${last}`));
    }),
  );
  const many = Array.from({ length: 40 }, (_, at) => network(`2001:db8:0:${(2 * at).toString(16)}::/64`));
  assert.equal(partsOf(network("2001:db8::/48"), many, 32), undefined);
  assert.deepEqual(partsOf(network("10.1.2.0/24"), [network("10.0.0.0/8"), network("192.0.2.0/25")], 1), ["10.1.2.0"]);
});
