export interface Random {
  bytes(count: number): Uint8Array<ArrayBuffer>;
}

/** The same in Node and in the browser: kernel and protocol run in both. */
export const systemRandom: Random = {
  bytes: (count) => globalThis.crypto.getRandomValues(new Uint8Array(count)),
};
