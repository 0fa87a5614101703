import type { Place } from "./place.ts";

/** Milliseconds from a message to its acknowledgement. */
export type Acknowledged = { readonly acks: number; readonly milliseconds: Float64Array };

/** Each device sends its bodies in order, `window` of them unacknowledged. Ends when all are durable and in chunks. */
export async function ingest({ telemetry, space, devices }: Place, bodies: Buffer[][], window: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let busy = 0;
    for (const [at, mine] of bodies.entries()) {
      const device = devices[at];
      if (!device || mine.length === 0) continue;
      const source = { space, device, via: "mqtt" } as const;
      let next = 0;
      let outstanding = 0;
      busy += 1;
      const more = (): void => {
        while (outstanding < window && next < mine.length) {
          const body = mine[next++] ?? Buffer.alloc(0); // next is below its length
          outstanding += 1;
          const refusal = telemetry.accept(source, body, {}, { settle });
          if (refusal) return reject(refusal);
        }
        if (outstanding === 0 && --busy === 0) resolve();
      };
      const settle = (code: number): void => {
        outstanding -= 1;
        if (code === 0) more();
        else reject(new Error(`a reading was refused with code ${code}`));
      };
      more();
    }
  });
  // A series that was being written when this was called keeps what came for it meanwhile: asked again until nothing is left.
  for (let attempt = 0; attempt === 0 || telemetry.statistics.series > 0; attempt++) {
    if (attempt === 10) throw new Error(`${telemetry.statistics.series} series are still not in chunks`);
    await telemetry.compact();
  }
}

/** Every device has one message outstanding, for so long. */
export async function acknowledge({ telemetry, space, devices }: Place, milliseconds: number): Promise<Acknowledged> {
  const body = Buffer.from(JSON.stringify({ temperature: 21.53 }));
  const taken: number[] = [];
  const end = performance.now() + milliseconds;
  await new Promise<void>((resolve, reject) => {
    let busy = devices.length;
    for (const device of devices) {
      const source = { space, device, via: "mqtt" } as const;
      let sent = 0;
      const send = (): void => {
        sent = performance.now();
        const refusal = telemetry.accept(source, body, {}, { settle });
        if (refusal) reject(refusal);
      };
      const settle = (code: number): void => {
        const now = performance.now();
        taken.push(now - sent);
        if (code !== 0) reject(new Error(`a reading was refused with code ${code}`));
        else if (now < end) send();
        else if (--busy === 0) resolve();
      };
      send();
    }
  });
  return { acks: taken.length, milliseconds: Float64Array.from(taken) };
}
