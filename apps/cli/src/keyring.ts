/** The system's keyring: macOS's keychain, Windows' credential manager, the Secret Service of a Linux desktop. */
export interface Keyring {
  /** @throws Error with a sentence that says why it cannot */
  put(account: string, secret: string): Promise<void>;
  /** `undefined` when there is nothing of that name. @throws Error likewise */
  get(account: string): Promise<string | undefined>;
  /** @throws Error likewise */
  forget(account: string): Promise<void>;
}

/** What keyrings show their owner as the name of the program. */
const service = "holdfast";

/** Loaded when it is needed: it is machine code of the system's, and where there is none the command works all the same. */
async function entryOf(account: string) {
  const { AsyncEntry } = await import("@napi-rs/keyring");
  // Linux' kernel has a keyring too, which forgets when its owner signs out of the machine: a file is better than that.
  return new AsyncEntry(service, account, { linux: { store: "secret-service" } });
}

export const systemKeyring: Keyring = {
  async put(account, secret) {
    await (await entryOf(account)).setPassword(secret);
  },
  async get(account) {
    return (await (await entryOf(account)).getPassword()) ?? undefined;
  },
  async forget(account) {
    await (await entryOf(account)).deletePassword();
  },
};
