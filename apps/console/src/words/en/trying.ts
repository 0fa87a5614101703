export const trying = {
  button: (days: number) => `Try on the last ${days} days`,
  label: "Tried on the last days",
  nothing: (days: number) =>
    `Nothing that this touches was asked in the last ${days} days, or since it is kept. Whoever comes from now on is noted: try it again then.`,
  refused: "Newly refused",
  allowed: "Newly allowed",
  unknown: "Nobody can say",
  what: (action: string) => (action === "connect" ? "to be let in" : action),
  more: (count: number) => (count === 1 ? "And one more." : `And ${count} more.`),
};
