// Which customer a device is, and the code for its box.
export const ownership = {
  title: "Owner",
  make: "Make a code for the box",
  lead: "Whoever of the application’s customers has this code makes the device hers, while it is nobody’s. Print it on the box, or put it inside.",
  replaces: "There is a code already; it is worth nothing any more once there is another.",
  picture: "The code as a picture for phones",
  customer: "Customer",
  until: "Until",
  code: "The code for the box",
  codeEnds: "It is good until",
  states: {
    unclaimed: "nobody’s",
    claimed: "a customer’s",
    transferring: "a customer’s, on its way to the next",
    contested: "a customer’s; somebody showed the code on the box, and gets it unless she objects",
  },
  codes: {
    none: "none",
    good: "good",
    barred: "worth nothing, because its owner objected to whoever showed it",
  },
} as const;
