import type { Random } from "@holdfast/kernel";
import type { Homes } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { homeOf } from "./person.ts";
import { peopleIn } from "./postgres.ts";

/** Of which domains people's e-mails are. */
export const homesOf =
  ({ storage, ...needs }: { storage: Storage; keys: Keyring; random: Random }): Homes =>
  async (people) => {
    const found = await storage.instance.read((unit) => peopleIn(unit, needs).all(people));
    return new Map([...found].map(([id, { email }]) => [id, homeOf(email)]));
  };
