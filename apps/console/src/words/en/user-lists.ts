export const userLists = {
  title: (count: number | undefined) =>
    count === undefined ? "What its user lists" : `What its user lists (${count})`,
  label: "Entries of its user",
  lead: "A customer narrows who else reads or sends what her devices measure: never the device itself, nor what is done with its record. Only she changes it; it ends when the device is unbound.",
  whose: "Whose the device is",
  empty: "She lists nothing about it.",
  whats: { address: "address", credential: "credential" },
  about: "About",
  abouts: { device: "this device", all: "all of hers" },
};
