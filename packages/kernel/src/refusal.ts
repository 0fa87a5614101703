import { asked } from "./refusals-asked.ts";
import { enrolling } from "./refusals-enrolling.ts";
import { programs } from "./refusals-programs.ts";
import { together } from "./refusals-together.ts";

/** Every reason the platform may refuse, with the sentence people read. Append only: programs match on the codes. */
const sentences = {
  // who are you
  "credential.missing":
    "Nothing here is open to strangers. Send a credential in X-Auth-Token or Authorization: Bearer.",
  "credential.invalid":
    "This credential is not known, has ended, or is not the right one. Check it, or make a new one.",
  "credential.expired": "This credential has expired. Make a new one.",
  "condition.unmet":
    "This credential is good only from certain addresses, at certain hours or over certain protocols, and not so. Whoever may explain sees which condition it is.",
  "door.refused":
    "The door of this device does not take whoever comes so: it asks for certain protocols, proofs, addresses, hours, people or programs. Whoever may explain sees which it is.",
  "list.denied":
    "A list of this organisation, or of the user whose device it is, does not let this in. Whoever may explain sees which entry it is.",
  "factor.required":
    "The password is right, and this account asks for more. Send a code of your authenticator app or one of your recovery codes, or use a passkey; which of them you have is named here.",
  "factor.invalid":
    "This code is wrong, or was used. Wait for the next one, check that the clock of your device is right, or use a recovery code.",
  "factor.slowed":
    "Too many wrong codes were tried on this account. Wait as long as Retry-After says, or sign in with a recovery code or a passkey, which do not wait.",
  "factor.demanded":
    "This organisation demands that its people have a second factor, or a passkey, and you have none. Add one to your account: then you are in again at once.",
  "factor.unshown":
    "This organisation demands that its people sign in with a second factor, or a passkey, and this sign-in showed none. Sign in again with it.",
  "factor.offer": "What was offered is over, was taken, or is not yours. Begin again for a new secret.",
  "factor.none": "There is no second factor here. Add one first.",
  "proof.required":
    "This credential is bound to a key, and whoever shows it has to prove that key. Connect to the MQTTS port with a client certificate of that key, or with MQTT 5 and the authentication method holdfast-proof; over HTTPS send a DPoP proof.",
  "proof.invalid":
    "The proof is not that of this credential's key for this connection or request. Sign with the key that it is bound to; over MQTT over TLS 1.3 to the platform itself.",
  "proof.nonce":
    "The proof lacks the nonce that the platform wants in it, or has one that is over. Sign again with the one in DPoP-Nonce.",
  "credential.exposed":
    "A credential must never stand in a path or a query. Treat it as leaked: revoke it, and send its successor in a header.",
  "credential.unknown": "There is no such credential, or none that you may know of.",
  "credential.unrotatable":
    "Only a key or a token that is good now gets another secret. Make a new credential in place of this one.",
  "credential.amplifies":
    "A new credential can hold no more than its maker may do now. Leave out the grants named here.",
  "request.uncertified":
    "No certificate can be made of this. Send a certificate request (PKCS #10) in PEM of a key of P-256 or Ed25519, signed with that key.",
  "setup.done": "Somebody has set this platform up already. Ask that person for an invitation or a token.",
  "setup.invalid":
    "This setup link is used, expired or mistyped. Restart, or read the newest link from the ready file.",
  "simulation.notOffered":
    "This platform was started with --no-demo: it makes no simulated fleet. Set it up without one.",
  "simulation.none": "This organisation is not simulated, so there is nothing here to end.",
  "password.weak": "A password needs between 12 and 128 characters.",
  "password.common":
    "This password is among those that are tried first. Take another one: four words that do not belong together, or what a password manager makes.",
  "password.wrong": "That is not your password. You are signed in as before; try again.",
  "link.invalid": "This link is used, replaced, expired or mistyped. Ask for a new one.",
  "email.taken": "Another account has this e-mail. Use that one, or give this one another address.",
  "mail.none":
    "No mail is set up here, so no letter goes out to anybody. Whoever runs the instance sets it up with --smtp-url.",
  "code.invalid":
    "This code is used, replaced, expired or mistyped, or for another login. Ask whoever runs the application for a new one.",
  "claim.invalid":
    "This code claims nothing: it is used, expired or mistyped, not for you, or of no device here. Look at it once more; for a device that is somebody's, its owner makes a code.",
  "signUp.closed": "This application takes only those who were invited. Ask whoever runs it for a code.",
  "confirmation.required":
    "This asks who you are once more. Send your password to POST /v1/account/confirmation, then repeat it within ten minutes.",
  "confirmation.invalid": "That does not prove who you are. You are signed in as before; try again.",
  "signIn.stale": "This asks who you are once more. Sign in again, then repeat it within a quarter of an hour.",
  "passkey.invalid":
    "This is not the answer of a passkey to the question that was asked just now, on this page. Ask for a new question and let the browser answer it, with the person verified.",
  "passkey.cloned":
    "This passkey counts backwards, so two devices have it, and nobody knows which is the thief's. It is worth nothing from now on, and every session has ended. Sign in another way; a user of an application asks whoever runs it for a code.",
  "provider.required":
    "This organisation lets you in by its own sign-in alone. Sign in with your organisation, at the address that is named here.",
  "provider.stale":
    "This sign-in was begun in another browser, more than ten minutes ago, or has ended already. Begin it anew.",
  "provider.refused": "What the organisation's provider answered is not to be relied on, so nobody was signed in.",
  "provider.notAdmitted":
    "The provider knows you, and this organisation does not let you in by it. Ask one of its administrators for an invitation.",
  "provider.limited":
    "An organisation's provider said who you are, so this session is good in that organisation alone. Sign in by your own means for what is yours elsewhere.",
  "invitation.invalid":
    "This invitation is used, withdrawn, expired or mistyped, or for another e-mail. Ask whoever invited you for a new one.",

  // may you
  "permit.missing": "You may know of this, but not do that with it. What is missing is named here.",
  "grant.malformed": "That is not a grant. Write ACTION or ACTION:RESOURCE, for example telemetry.read:dev_….",
  "origin.foreign":
    "This does not come from a page of the platform itself, so the cookie of a session does not count. Send the Origin that the platform has.",
  "rate.exceeded": "Too many requests. Wait as long as Retry-After says.",
  "role.amplifies": "Nobody gives a role that holds more than he may do now. Give a smaller one.",
  "role.greater":
    "Whoever has this role or sign-in, or is named, may do more than you may, so it is not yours to change, end or shut out. Ask somebody who may do all of that.",

  "quota.exceeded":
    "A quota of the organisation's plan is used up. Use less, wait for the next month if it is one of a month, or ask the administrator of the instance for a larger plan.",
  "plan.unknown": "There is no such plan. List those there are, or save it first.",
  "plan.inUse": "An organisation has this plan. Give it another one first.",

  // what is meant
  "id.malformed": "That is not an identifier of the expected kind.",
  "request.malformed": "The request does not have the expected form. The fields to mend are named in errors.",
  "request.tooLarge": "The request is larger than this platform accepts. Split it.",
  "request.headersTooLarge": "The headers of the request are larger than this platform accepts. Leave some out.",
  "request.tooSlow": "The request did not arrive in time. Send it again.",
  "request.mediaType":
    "This content type is not read here. Send application/json, or one of the types in the documentation.",
  "request.conflict": "Somebody changed this since you read it. Read it again, then repeat your change.",
  "route.unknown": "There is nothing at this address. /openapi.json lists what there is.",
  "route.method": "This address does not take that method. The Allow header names those it takes.",
  "cursor.malformed": "That cursor was not made by this list. Start again without one.",
  "list.tooLong":
    "There are too many devices here to search them, or to sort them by name or by when they were seen. Leave out q, presence and sort, or sort by createdAt.",
  "idempotency.reused": "This Idempotency-Key was used for another request. Take a new one.",
  "idempotency.interrupted":
    "The first request with this Idempotency-Key was cut short, and nobody knows whether it was done. Look; then take a new key.",

  // things
  "org.unknown": "There is no such organisation, or none that you may know of.",
  "org.misnamed":
    "That is not what this organisation is called, so nothing was begun. Write its name as it stands in the settings.",
  "org.ending":
    "This organisation is being deleted, and nobody comes in any more. Until then one of its owners, who signs in, can call it off.",
  "org.notEnding": "This organisation is not being deleted, so there is nothing to call off.",
  "org.unconfirmed":
    "This organisation was restored from a backup, and what was revoked since may be good in it, so nothing of it is served yet. One of its owners signs in, looks through who may what, and confirms it.",
  "org.confirmed": "There is nothing to confirm here: who may what is as it was decided.",
  "org.suspended":
    "This organisation is suspended by whoever administers this platform. Ask there; what it holds is kept.",
  "org.notSuspended": "This organisation is not suspended.",
  "member.suspended":
    "You, or whoever this is about, are suspended in this organisation. Whoever may remove members there can let you in again.",
  "member.notSuspended": "This member is not suspended.",
  "administrator.unknown": "This person does not administer the instance.",
  "administrator.last": "Somebody has to administer the instance. Make somebody else an administrator first.",
  "member.unknown": "There is no such member, or none that you may know of.",
  "member.exists": "This person is a member already. Give her another role instead.",
  "member.lastOwner": "An organisation keeps an owner. Make somebody else an owner first.",
  "member.administrator":
    "Somebody administers the instance as a member of this organisation. End that first, and make somebody else the administrator where nobody else is.",
  "role.unknown": "There is no such role, or none that you may know of.",
  "role.builtIn": "This role is the same in every organisation, and stays as it is. Make one of your own.",
  "role.nameTaken": "Another role is called that. Take another name.",
  "role.inUse": "Somebody has this role. Say which one replaces it, or give another one first.",
  "role.tooMany":
    "An organisation has at most 64 roles of its own, and 200,000 bytes of them as a file. Delete some, or name applications and tags instead of devices.",
  "invitation.unknown": "There is no such invitation, or none that you may know of.",
  "provider.unknown": "There is no such provider, or none that you may know of.",
  "provider.unreachable": "The organisation's provider cannot be reached. What is in the way is named here.",
  "provider.inUse":
    "The organisation demands that members come by this provider. Demand it no more first, or nobody of them could come.",
  "provider.tooMany": "An organisation has at most ten providers, with fifty domains together. Remove one first.",
  "provider.nameTaken": "Another organisation is called that at the sign-in page. Take another short name.",
  "provider.linked":
    "That account of the provider is somebody's already, or you come by another one of it. Unlink that first.",
  "email.demanded":
    "An organisation of yours demands its own sign-in of whoever has an address like yours. Leave it before you take an address elsewhere.",
  "domain.unknown": "There is no such domain, or none that you may know of.",
  "domain.taken": "This organisation has entered that domain already.",
  "domain.unproved":
    "This domain is not proved to be the organisation's. Set the TXT record that is named with it, wait until it can be read, and look again.",
  "user.nothing": "No device has measured anything while it was this customer's, or there is no such customer.",
  "user.unknown": "There is no such application user, or none that you may know of.",
  "user.exists": "This application has a user with that login already. Reset that one instead.",
  "session.unknown": "There is no such session, or none that you may know of.",
  "passkey.unknown": "There is no such passkey, or none that you may know of.",
  "passkey.last":
    "This passkey is the only way in. Add another one first, or a password; a user of an application asks for a code to set one.",
  "person.unknown": "Nobody here has that e-mail, or is called that.",
  "factorReset.needless":
    "She has no second factor and no passkey, so there is nothing to remove. Her password is enough.",
  "factorReset.pending": "This was begun already. Wait until it is due, or call it off first.",
  "factorReset.unknown": "Nothing of the kind waits: it was called off, was done, or is over.",
  "password.last": "This password is the only way in. Add a passkey first.",
  "passkey.tooMany": "There are twenty passkeys already, as many as may be. Remove one first.",
  "application.unknown": "There is no such application, or none that you may know of.",
  "application.inUse": "This application still has devices. Retire them or move them first.",
  "product.unknown": "There is no such product, or none that you may know of.",
  "product.inUse": "This product still has devices. Retire them or give them another product first.",
  "product.typesDiffer":
    "This device has measured an attribute as another type than this product declares, and keeps it. Give it a product that declares the attribute under another name.",
  "dashboard.unknown": "There is no such dashboard, or none that you may know of.",
  "dashboard.tooMany": "There are as many as there may be: 200 dashboards, and 50 links of one. Delete some first.",
  "dashboard.tooLarge":
    "A dashboard has at most 64 KiB. Take widgets away, or name a tag or a product in place of many devices.",
  "dashboard.linkUnknown": "There is no such link to this dashboard, or none that you may know of.",
  "device.unknown": "There is no such device, or none that you may know of.",
  "device.retired": "This device is retired. Create a new one.",
  "device.suspended": "This device is suspended. Resume it first.",
  "device.notSuspended": "This device is not suspended.",
  "device.aliasTaken": "Another device of this organisation has that alias.",
  ...together,
  "cold.unreachable":
    "These readings were moved to the object store, which cannot be reached. Newer ones can be read; whoever runs the instance looks after the store.",
  "cold.lost":
    "These readings were moved to the object store, and are not there any more, or were altered. Whoever runs the instance brings the store back from its own backup.",
  "device.erased":
    "What this device measured was erased for ever, and so it can measure nothing more. Create a new one.",
  ...asked,
  "key.tooMany": "Two keys may overlap while one replaces the other. Revoke one first.",

  ...enrolling,
  "certificateAuthority.unknown": "There is no such certificate authority, or none that you may know of.",

  "list.unknown": "There is no such entry, or none that you may know of.",
  "list.full":
    "The lists of an organisation have at most 1,000 entries, and those of an application user 50. Remove some first, or name networks in place of addresses.",
  "list.locksOut":
    "This would shut you out yourself, or every owner of the organisation. Allow your own address or person first, or name less.",
  "door.widens":
    "The door of a device narrows that of its product, and never widens it. Mend the fields named here, or change the product's door.",

  // telemetry
  "door.attribute": "The door of this device does not let this attribute in. Nothing of the message was kept.",
  "door.tooLarge": "The message is larger than the door of this device lets in. Split it, or send less.",
  "telemetry.malformed":
    'The body is not a reading. Send {"attribute": value}, or {"time": T, "values": {…}}, or an array of those.',
  "telemetry.tooDeep":
    "An array lies in an array, or a value of JSON has more than 16 objects and arrays in each other. Flatten it.",
  "telemetry.tooMany": "One request holds at most 1,000 readings, or 5,000 lines. Send several.",
  "telemetry.wrongType": "A value has another type than its attribute. Nothing of the message was kept.",
  "telemetry.absurdTime": "A time is too far from the platform's clock. Set the device's clock, or leave the time out.",
  "telemetry.undeclared": "The product does not declare this attribute. Declare it, or make the product lenient.",
  "telemetry.tooManyAttributes":
    "The device already has 64 undeclared attributes, as many as it may. Declare them on its product.",
  "telemetry.attributeName": "An attribute name has 1 to 128 characters, none of them a control character.",
  "telemetry.textTooLong": "A text, or a document of JSON, has at most 4,096 bytes.",
  "telemetry.outOfRange":
    "A value is out of the range that its product declares. Mend it, or the range; or let the product mark such values.",
  "telemetry.notListed":
    "A value is none of those that its product lists. Send one of them, or list it; or let the product mark such values.",
  "telemetry.noAggregate":
    "What was measured here has no such aggregate. Of texts, locations and JSON ask for count, first or last; of numbers and booleans for any.",
  "telemetry.range": "The time range or step is not usable. Take from < to, and a step from 1s to 366d.",
  "telemetry.tooMuch":
    "This asks for more than one question may. Ask for longer steps, a shorter range or fewer devices, as it says here.",

  // direct sockets
  "frame.past":
    "A frame is of an earlier boot, or more than 31 counters late: it may have been kept before, and is not kept twice. A device that starts anew needs a greater boot number.",

  // MQTT
  "topic.unknown": "There is no such topic. A device publishes to me/telemetry.",
  "topic.foreign": "A device has its own tree and nothing else: topics and filters that begin with me/.",
  "mqtt.tooMany":
    "This client has as many sessions or subscriptions as it may, or its organisation has as many subscriptions. End some first.",
  "mqtt.full":
    "There is no room for this message: the queue of a session that is owed it is full, or as much is retained as may be. See which device's sessions have messages waiting, or clear retained ones.",
  "mqtt.protocol": "The client broke the rules of MQTT, so its connection was closed.",

  // the platform's own state
  "storage.unavailable": "The database does not answer. Nothing was kept; send it again in a while.",
  "storage.unreachable": "The database cannot be reached. Check that it runs, and --database-url with its account.",
  "storage.full":
    "The disk is almost full, so nothing new is taken. Free space or enlarge the disk; sending again will then work.",
  "storage.newer":
    "These data were written by a newer version. Start that version, or restore a backup made by this one.",
  "storage.inUse": "Another server is using these data. Stop it first, or start with another --data.",
  "storage.unsafe": "The database does not keep what it acknowledges, or grants too much. The finding is named here.",
  "storage.roles":
    "The database account may not make the roles Holdfast needs. Run the SQL printed above as its administrator.",
  "storage.broken": "The database could not be started. Its own log beside the data says why.",
  "keyring.unreachable": "The keyring does not answer. Check the keys folder or --keyring-url.",
  "keyring.wrong": "These keys do not belong to these data. Use the keys folder, or a keys backup, made with them.",
  "keyring.incomplete":
    "A key that is needed is not in the keyring. Restore a newer backup of the keys; in place of a single device, create a new one.",
  "keyring.sealed": "The key that opens the keyring is missing or wrong. Check the KEK file or HOLDFAST_KEK.",
  "seal.broken": "Stored bytes do not open: they were altered, moved or sealed with another key.",
  "backup.wrong": "The passphrase is wrong, or the file is not a keys backup.",
  "backup.damaged": "This backup is not whole, and nothing of it is to be trusted. Use another one.",
  "storage.notEmpty":
    "There are data already, and a backup is restored only where there are none. Name an empty --data folder, or an empty database.",
  "connection.tooMany":
    "Too many connections come from one address, or say nothing. Let clients come again more slowly, or raise --max-connections-per-address.",
  "connection.slowed":
    "Most clients of one address are refused, or very many come at once, and they wait for each other. End those whose credentials are over, or raise --max-connection-rate-per-address.",
  "proxy.malformed":
    "What comes from a declared proxy has to begin with a header of the PROXY protocol, version 2. Let it send one, or mend --proxy-from.",
  "port.taken": "Another program listens on this port. Stop it, or choose another port.",
  "tls.unusable": "The certificate or its key cannot be used. Mend the file named here.",
  "files.tooFew": "The system allows too few open files. Raise the limit (ulimit -n 65536) and start again.",
  "config.malformed": "An option cannot be used as it is. Mend the one named here.",
  "folder.closed": "The system does not let the platform work in a place that it was given.",
  ...programs,
  stopping: "The platform is stopping. Try again in a moment.",
} as const;

export type RefusalCode = keyof typeof sentences;

/** One thing to mend, named so that a person or a program finds it: a field, an attribute, a row. Never a secret, never a payload. */
export type Fault = { readonly path: string; readonly message: string };

export type RefusalOptions = ErrorOptions & {
  /** One more sentence for this one case: which attribute, which port. Never a secret or a payload. */
  readonly detail?: string;
  readonly faults?: readonly Fault[];
  /** When it is worth trying again. */
  readonly retryAfterSeconds?: number;
};

/** Thrown when the platform understood a request and will not do it. Anything else thrown is our own fault. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly detail: string | undefined;
  readonly faults: readonly Fault[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: RefusalCode, options: RefusalOptions = {}) {
    super(options.detail ? `${sentences[code]} ${options.detail}` : sentences[code], options);
    this.code = code;
    this.detail = options.detail;
    this.faults = options.faults ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Whether something that was thrown is the refusal of this code, for who handles this one and no other. */
export const isRefusal = (thrown: unknown, code: RefusalCode): thrown is Refusal =>
  thrown instanceof Refusal && thrown.code === code;

export const refusalCodes = Object.keys(sentences) as readonly RefusalCode[]; // the keys of a constant

export const sentenceOf = (code: RefusalCode): string => sentences[code];
