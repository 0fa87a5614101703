import { S3mini, S3ServiceError } from "s3mini";
import { Unreachable } from "./calls.ts";

/** Where objects are, and as whom to ask for them. */
export type S3Place = {
  /** With the bucket in its path: `https://HOST/BUCKET`. */
  readonly endpoint: string;
  /** Before each name; empty, or with a slash at its end. */
  readonly prefix: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
};

type Fetch = (
  address: string,
  asked: { method?: string; headers?: Record<string, string>; body?: unknown },
) => Promise<Response>;

const page = 1_000;

/** Objects in a bucket of an S3-compatible store. What is asked goes by the guarded `fetch`; nothing of it is logged. */
export class S3Store {
  readonly #client: S3mini;
  readonly #prefix: string;

  constructor({ endpoint, prefix, region, keyId, secret }: S3Place, call: Fetch) {
    this.#prefix = prefix;
    this.#client = new S3mini({
      endpoint,
      region,
      accessKeyId: keyId,
      secretAccessKey: secret,
      // It calls with an address and what to ask, as written there.
      fetch: call as typeof fetch,
    });
  }

  /** @throws Unreachable */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    await asked(() => this.#client.putObject(this.#prefix + name, Buffer.from(bytes), "application/octet-stream"));
  }

  /** `undefined` when there is no such object, or it ends before. @throws Unreachable */
  async read(name: string, from: number, length: number): Promise<Uint8Array | undefined> {
    return asked(async () => {
      const answer = await this.#client.getObjectRaw(this.#prefix + name, false, from, from + length).catch(missing);
      const bytes = answer && new Uint8Array(await answer.arrayBuffer());
      return bytes?.length === length ? bytes : undefined;
    });
  }

  /** Also when it is gone already. @throws Unreachable */
  async remove(name: string): Promise<void> {
    await asked(() => this.#client.deleteObject(this.#prefix + name));
  }

  /** Those that begin so. @throws Unreachable */
  async *names(beginning: string): AsyncGenerator<string> {
    for (let next: string | undefined; ;) {
      const found = await asked(() => this.#client.listObjectsPaged("/", this.#prefix + beginning, page, next));
      for (const { Key } of found?.objects ?? []) yield Key.slice(this.#prefix.length);
      next = found?.nextContinuationToken;
      if (next === undefined) return;
    }
  }
}

function missing(error: unknown): undefined {
  if (error instanceof S3ServiceError && (error.status === 404 || error.status === 416)) return undefined;
  throw error;
}

/** Its errors quote the store's answers, which may name keys: of them the status is enough. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    if (error instanceof S3ServiceError)
      throw new Unreachable(`the object store answered with ${error.status} (${error.serviceCode ?? "no code"})`, {
        cause: error,
      });
    throw new Unreachable("the object store could not be asked", { cause: error });
  }
}
