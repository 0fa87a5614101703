// How long readings are kept, by the organisation and by its products.
export const retention = {
  title: "How long readings are kept",
  lead: "Of products that say nothing themselves. What is older is shown no more at once, and is removed within hours, for good.",
  leadOfProduct:
    "Of its devices, in place of what the organisation says; of an attribute by itself before that. What is older is shown no more at once, and is removed within hours, for good.",
  change: "Change how long",
  all: "All readings",
  attribute: "Attribute",
  kept: "Kept",
  choices: { inherit: "as the organisation says", days: "some days", forever: "for ever" },
  days: "Days",
  inWords: (keep: number | "forever" | undefined) =>
    keep === undefined
      ? "as the organisation says"
      : keep === "forever"
        ? "for ever"
        : keep === 1
          ? "a day"
          : `${keep} days`,
  add: "Add an attribute",
  remove: (name: string) => `Nothing of its own for ${name}`,
  preview: "See what would go",
  wouldGo: (points: number, bytes: number) =>
    points === 0
      ? "Nothing that is there would go now."
      : `${points.toLocaleString("en")} readings (${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB) would go, for good.`,
  straddling: (count: number) =>
    count === 0
      ? ""
      : `${count.toLocaleString("en")} chunks hold older readings beside newer ones: the older are shown no more, and go with the rest.`,
  set: "Keep it so",
};
