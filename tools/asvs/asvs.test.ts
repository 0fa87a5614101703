import assert from "node:assert/strict";
import { test } from "node:test";
import { complaintsAbout, proofsFrom, render } from "./page.ts";
import { chapters } from "./requirements.ts";

const requirements = chapters.flatMap((chapter) => chapter.requirements);
const ids = requirements.map(([id]) => id);
const nothing = { elsewhere: {} };

test("there are 47 requirements on signing in and 19 on sessions, each once, in their order", () => {
  assert.deepEqual(
    chapters.map((chapter) => chapter.requirements.length),
    [47, 19],
  );
  const inOrder = ids.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
  assert.deepEqual(ids, inOrder);
  assert.equal(new Set(ids).size, ids.length);
});

test("a name may carry several ids, and is a sentence without them", () => {
  const names = ["[V6.2.1] [V6.2.9] a password has 12 to 128 characters", "no id [MQTT-3.1.2-4] [V5.1.1] here"];
  assert.deepEqual(proofsFrom("a.test.ts", names), [
    { file: "a.test.ts", sentence: "a password has 12 to 128 characters", ids: ["V6.2.1", "V6.2.9"] },
  ]);
});

test("a requirement without test and reason, an id that there is not and an old page are named", () => {
  const every = [{ file: "a.test.ts", sentence: "all", ids }];
  assert.deepEqual(complaintsAbout(every, render(every, nothing), nothing), []);
  assert.equal(complaintsAbout([], render([], nothing), nothing).length, 66);
  const but = [{ file: "a.test.ts", sentence: "most", ids: ids.slice(1) }];
  const reason = { elsewhere: { "V6.1.1": "It is written in [SECURITY](../SECURITY.md)." } };
  assert.deepEqual(complaintsAbout(but, render(but, reason), reason), []);
  assert.match(
    render(but, reason),
    /\| V6\.1\.1 \| 1 \| .* \| It is written in \[SECURITY\]\(\.\.\/SECURITY\.md\)\. \|/,
  );
  const wrong = { elsewhere: { "V6.9.9": "?" } };
  const unknown = [...but, { file: "b.test.ts", sentence: "what", ids: ["V7.9.9"] }];
  assert.deepEqual(complaintsAbout(unknown, "", wrong), [
    'b.test.ts: ASVS 5.0 has no V7.9.9 in V6 and V7 ("what")',
    "tools/asvs: ASVS 5.0 has no V6.9.9 in V6 and V7",
    "no test has [V6.1.1] in its name, of level 1: it is written down what stands against guessing, how it is set, and why nobody is locked out by it",
    "docs/asvs.md is out of date: run node tools/asvs.ts --write",
  ]);
});
