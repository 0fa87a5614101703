import { Refusal } from "@holdfast/kernel";

const signature = Uint8Array.from([0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00]); // "PGCOPY\n\377\r\n\0"

/**
 * Counts the rows in PostgreSQL's binary COPY, which comes in pieces: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
 * What is no such thing is a backup that was made wrongly: its seal is good by then.
 */
export class CopyRows {
  rows = 0;
  #state: "signature" | "flags" | "extension" | "row" | "field" | "over" = "signature";
  readonly #small = Buffer.alloc(signature.length);
  #have = 0;
  #skip = 0;
  #fields = 0;

  /** @throws Refusal `backup.damaged` */
  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#skip > 0) {
        const some = Math.min(this.#skip, bytes.length - at);
        this.#skip -= some;
        at += some;
        continue;
      }
      const needs = this.#needs();
      this.#small[this.#have] = bytes[at] ?? 0; // at is below length
      at += 1;
      this.#have += 1;
      if (this.#have < needs) continue;
      this.#have = 0;
      this.#next();
    }
  }

  /** Answers how many there were. @throws Refusal `backup.damaged` */
  final(): number {
    if (this.#state !== "over" || this.#have > 0 || this.#skip > 0) throw malformed();
    return this.rows;
  }

  #needs(): number {
    switch (this.#state) {
      case "signature":
        return signature.length;
      case "flags":
      case "extension":
      case "field":
        return 4;
      case "row":
        return 2;
      case "over":
        throw malformed();
    }
  }

  #next(): void {
    switch (this.#state) {
      case "signature":
        if (signature.some((byte, at) => this.#small[at] !== byte)) throw malformed();
        this.#state = "flags";
        return;
      case "flags":
        this.#state = "extension";
        return;
      case "extension":
        this.#skip = this.#small.readUInt32BE();
        this.#state = "row";
        return;
      case "row":
        this.#fields = this.#small.readInt16BE();
        if (this.#fields < -1) throw malformed();
        if (this.#fields >= 0) this.rows += 1;
        this.#state = this.#fields === -1 ? "over" : this.#fields === 0 ? "row" : "field";
        return;
      case "field":
        this.#skip = Math.max(0, this.#small.readInt32BE()); // -1 is null
        this.#fields -= 1;
        if (this.#fields === 0) this.#state = "row";
        return;
      case "over":
        throw malformed();
    }
  }
}

const malformed = (): Refusal =>
  new Refusal("backup.damaged", { detail: "Its rows are not as PostgreSQL writes them." });
