/** A device that goes to another organisation, or comes from one. */
export const handingOver = {
  title: "To another organisation",
  about:
    "The device ends here, with every key it has, and begins there by the same name. What it measured stays here. The firmware needs the key that is made there.",
  states: {
    none: "It stays here.",
    offered: "Whoever has the code can take it over.",
    taken: "Somebody showed the code, and has not finished yet. It has ended here.",
    arrived: "It is another organisation’s now.",
  },
  until: "The code is good until",
  make: "Hand it over",
  makeCode: "Make the code",
  lead: "Give this code to the other organisation, on a way on which nobody else reads it. It is good once, and for seven days. Until it is used nothing changes, and you can take it back.",
  replaces: "There is a code already; it is worth nothing any more once there is another.",
  code: "The code",
  withdraw: "Take the code back",
  isCustomers: "A customer has this device. She releases it first, or you unbind it.",
  from: {
    choice: "What is added",
    fresh: "A new device",
    take: "One of another organisation",
    lead: "The organisation that has the device makes a code on its page, under Access. The device ends there and begins here by the same name, with a key of its own.",
    code: "The code",
    codeHint: "Five groups of letters and digits; case and hyphens do not matter.",
    go: "Take it over",
  },
} as const;
