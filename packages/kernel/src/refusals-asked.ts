/** Why what is asked of a device, its twin, its commands and its alerts, may be refused. As in `refusal.ts`: append only. */
export const asked = {
  "twin.malformed":
    "Send one object of JSON, at most 16 levels deep, as a merge patch (RFC 7396): null removes a field.",
  "twin.unfit": "The product or the door does not let the twin be so. Mend the fields named here; nothing was kept.",
  "twin.tooLarge": "Each side of a twin has at most 16 KiB of JSON. Remove fields with null.",
  "command.unknown": "There is no such command, or batch of them, or none that you may know of.",
  "command.tooLarge": "A command and a reply have at most 16 KiB of JSON each. Send less, or a reference.",
  "command.tooMany":
    "At most 100 commands wait for a device, and a batch has at most 10,000 devices. Wait, or send to fewer.",
  "command.over": "This command is over, or waits for no approval. Look at it, and send another one.",
  "command.notSent": "This command was not sent to the device yet, so that it cannot be acknowledged or answered.",
  "command.answered": "This command was answered before, and otherwise. The first answer stays.",
  "reply.malformed": 'Reply with {"result": …} where the command was done and {"error": …} where not, in JSON.',
  "alert.unknown": "There is no such alert, or none that you may know of.",
  "alert.cleared": "This alert is cleared already: there is nothing left to acknowledge.",
  "alertRule.unknown": "There is no such rule, or none that you may know of.",
  "alertRule.tooMany": "An organisation has at most 200 rules of alerts. Delete some first.",
  "webhook.unknown": "There is no such webhook, or none that you may know of.",
  "webhook.tooMany": "An organisation has at most 100 webhooks. Delete some first.",
  "webhook.inside":
    "A webhook is at an address that is public, or that whoever runs the platform allows. Give it such a one.",
} as const;
