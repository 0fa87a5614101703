// Secrets that devices bring with them, because somebody wrote them into them before the platform knew of any. Those of the platform's own
// making are 256 random bits; of these nobody knows how they came about, so what is known of bad ones is refused.

/** What factories and manuals set, and what stands at the head of every list of passwords: in the spelling of `plain`. */
const known: readonly string[] = [
  ..."admin administrator root user guest default test demo device sensor gateway factory system support service operator".split(
    " ",
  ),
  ..."password passwort passw0rd pass secret changeme changeit letmein welcome qwerty qwertz asdfgh login private public".split(
    " ",
  ),
  ..."holdfast mqtt mosquitto iot esp32 esp8266 arduino raspberry raspbian ubnt cisco netgear linksys dlink tplink zyxel huawei".split(
    " ",
  ),
  ..."hikvision dahua ipcam camera xc3511 vizxv juantech anko zlxx pfsense vagrant ubuntu oracle siemens honeywell schneider".split(
    " ",
  ),
  ..."thingsboard losant tenant sysadmin supervisor master maintenance technician installer".split(" "),
];

const least = 16;
const most = 128;
const leastDifferent = 8;
const leastDigits = 24;
/** So many characters have to be left without what is known. */
const leastLeft = 10;

const printable = /^[!-~]*$/;
/** As the platform writes its own secrets, tokens and ids. */
const own = /^(?:hf[a-z]?_|key_)/i;

const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/** Whether a text may be such a secret by its form alone. */
export const isBroughtSecret = (text: string): boolean =>
  text.length >= least && text.length <= most && printable.test(text) && !own.test(text);

/** What is wrong with a secret that a device brings, whose it is to be: a default that others know, or one that can be guessed. */
export function faultOfSecret(
  secret: string,
  names: readonly (string | undefined)[],
): { readonly code: "secret.known" | "secret.weak"; readonly detail: string } | undefined {
  const weak = (detail: string) => ({ code: "secret.weak", detail }) as const;
  if (known.includes(plain(secret))) return { code: "secret.known", detail: "It is a default that factories set." };
  const said = names.flatMap((name) => (name !== undefined && plain(name) !== "" ? [plain(name)] : []));
  if (said.includes(plain(secret))) return weak("It is what the device itself is called.");
  if (own.test(secret))
    return weak("It is written as the platform writes its own: leave it out, and the device gets one.");
  if (!isBroughtSecret(secret))
    return weak(`It needs ${least} to ${most} characters of printable ASCII, without blanks.`);
  if (/^\d+$/.test(secret) && secret.length < leastDigits) return weak(`Of digits alone it needs ${leastDigits}.`);
  if (new Set(secret).size < leastDifferent) return weak(`It has fewer than ${leastDifferent} different characters.`);
  if (isRepeated(secret)) return weak("It is a shorter one, said again.");
  const left = without(plain(secret), said);
  if (left.length < leastLeft) return weak("Without what the device itself is called too little is left.");
  if (without(left, known).length < leastLeft)
    return { code: "secret.known", detail: "It is made of defaults that factories set." };
  if (runs(secret) * 2 > secret.length) return weak("It is a run of neighbours, such as 1234 or abcd.");
  return undefined;
}

/** Longer ones first, as one may stand within another. */
const without = (text: string, words: readonly string[]): string =>
  words
    .filter((word) => word.length > 2)
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, word) => rest.replaceAll(word, ""), text);

function isRepeated(text: string): boolean {
  const at = (text + text).indexOf(text, 1);
  return at < text.length;
}

/** How many characters are the one before, or its neighbour. */
function runs(text: string): number {
  let count = 0;
  for (let at = 1; at < text.length; at++) {
    if (Math.abs(text.charCodeAt(at) - text.charCodeAt(at - 1)) <= 1) count++;
  }
  return count;
}
