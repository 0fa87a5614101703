/** What is said no to between devices, and to who wants them: gateways, relays, groups and their tasks, claims and handovers, and the roots that devices trust. */
export const together = {
  "relay.malformed": "Bring one sealed frame that wants an answer, in Base64, as the device handed it over.",
  "relay.refused":
    "This frame was not taken: it was altered, is older than one that was, or the device may not send. Let the device make a new one.",
  "relay.unanswered": "The platform had no room for this frame. Bring the same bytes again in a moment.",
  "group.unknown": "There is no such group, or none that you may know of.",
  "group.nameTaken": "Another group of this application has that name.",
  "group.tooMany":
    "There are as many as there may be: 200 groups of an application, and 500 devices of a group. Delete or expel some first.",
  "group.unfit": "A group has devices of its own application that are not retired. Name such a one.",
  "task.unknown": "There is no such task in this group.",
  "task.taken": "Somebody has this task, or it is over.",
  "task.leaseOver":
    "This lease is over: the task is somebody else's by now, waits, or has ended. What was done counts for nothing; lease again.",
  "task.over": "This task has ended already.",
  "task.tooMany":
    "As many tasks of this group are open as may be: 10,000. Cancel some, or wait until devices have done some.",
  "task.tooLarge": "A task and its result have at most 16 KiB each. Send what is larger as readings, or by a link.",
  "task.malformed": "This is nothing that the board of a group takes. docs/groups.md says what it does.",
  "gateway.unfit":
    "A gateway is another device of the same application that is not retired and not another customer's. Name such a one.",
  "gateway.notChild":
    "No child of this gateway has that name. Bind the device to it, and give it the name as its alias.",
  "gateway.malformed":
    "This is not what a gateway says of its children here. docs/migration.md has the topics and what stands in them.",
  "claim.notContested": "Nobody asked for this device, so there is nothing to object to.",
  "claim.contested": "Somebody asked for this device by the code on its box. Object first, or release it.",
  "handover.invalid":
    "This code gives no device: it is used, withdrawn, expired or mistyped. Ask whoever has the device for another.",
  "handover.claimed": "A customer has this device. She releases it first, or you unbind it.",
  "roots.malformed":
    'Name the roots that the device trusts as {"roots": [SHA-256, …]}: 1 to 32, each as 64 hex digits.',
  "roots.notOurs":
    "This platform shows a certificate from files, so it has no roots of its own to stage. Whoever issued that certificate does.",
  "roots.spareAway": "The spare's private key is not in the keyring. Bring it back first: holdfast keys bring-spare.",
  "roots.cutOff":
    "Devices would, or may, reach the platform no more. See which (holdfast roots devices), wait, or say how many may be cut off.",
} as const;
