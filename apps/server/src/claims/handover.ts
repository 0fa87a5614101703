import { Refusal, type Id, type Instant } from "@holdfast/kernel";

/** How long a code is good that gives a device to another organisation. */
export const handoverLifetime = 7 * 86_400_000; // milliseconds

/** The device's id is decided before it is made: what was cut off and is finished later makes no second one. */
type Into = {
  readonly org: Id<"org">;
  readonly application: Id<"application">;
  readonly device: Id<"device">;
};

/** Its organisation gives it up to whoever shows the code. */
export type Offered = { readonly state: "offered"; readonly expiresAt: Instant };
/** Ended where it was. Whoever took it may show the code again until the device is there: what was cut off is finished by that. */
export type Taken = { readonly state: "taken"; readonly into: Into };
export type Arrived = { readonly state: "arrived" };

/** A device on its way to another organisation: pure, so that thousands of histories can be tried. */
export type Handover = Offered | Taken | Arrived;

export const offer = (now: Instant): Offered => ({
  state: "offered",
  expiresAt: (now + handoverLifetime) as Instant, // milliseconds both
});

/**
 * By whoever showed the code; the device of the first time stays, and goes to another application of its organisation where the first one
 * `hasEnded` since. @throws Refusal `handover.invalid`
 */
export function take(
  handover: Handover,
  into: Into,
  now: Instant,
  hasEnded: (application: Id<"application">) => boolean,
): Taken {
  switch (handover.state) {
    case "offered":
      if (now >= handover.expiresAt) throw new Refusal("handover.invalid");
      return { state: "taken", into };
    case "taken": {
      const { org, application, device } = handover.into;
      if (org !== into.org || (application !== into.application && !hasEnded(application)))
        throw new Refusal("handover.invalid");
      return { state: "taken", into: { ...into, device } };
    }
    case "arrived":
      throw new Refusal("handover.invalid");
  }
}
