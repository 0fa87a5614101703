// Devices found by typing, where one is to be chosen.
export const naming = {
  find: "Find a device",
  findHint: "Words of its name, its alias or its id; of this application.",
  noneFound: "No such device of this application can be chosen.",
  more: "Type more of it for others.",
};
