import { isRefusal, Refusal, type Id, type RefusalCode } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { DeviceSeals } from "../telemetry/index.ts";
import { asOf, cancel, isOpen, type Command } from "./command.ts";
import { careIn, commandsIn } from "./postgres.ts";

/** How many commands whose time is over are written down at once. */
const dueAtOnce = 500;

/** What has expired is written down. */
export async function endExpired(seals: DeviceSeals, unit: Unit): Promise<void> {
  const known = new Map<Id<"device">, boolean>();
  for (const { device, command } of await careIn(unit).due(dueAtOnce)) {
    const isKnown = known.get(device) ?? (await hasKey(seals, unit, device));
    known.set(device, isKnown);
    if (isKnown) await end(seals, unit, device, command, (one) => asOf(one, unit.at));
  }
}

/** Within the unit that retires a device: what it was asked and has not done ends with it. */
export async function endOpen(seals: DeviceSeals, unit: Unit, device: Id<"device">): Promise<void> {
  const reason = "device.retired";
  const open = await careIn(unit).openOf(device, unit.at);
  if (open.length === 0 || !(await hasKey(seals, unit, device))) return;
  for (const id of open)
    await end(seals, unit, device, id, (command) => {
      if (!isOpen(command)) return command;
      const facts = { command: id, name: command.name, from: command.state, reason };
      unit.audit({ what: "command.cancelled", about: device, facts });
      return cancel(command, unit.at, reason);
    });
}

/** A key that is not there or was altered keeps nobody from retiring its device, nor others from their ends: what it seals is not sent either, and waits for it. */
async function hasKey(seals: DeviceSeals, unit: Unit, device: Id<"device">): Promise<boolean> {
  try {
    await seals.of(unit, device);
  } catch (error) {
    if (isRefusal(error, "keyring.incomplete") || isRefusal(error, "seal.broken")) return false;
    if (!isRefusal(error, "device.erased")) throw error;
  }
  return true;
}

/** The row was altered, or its key was destroyed. */
const neverOpens = new Set<RefusalCode>(["seal.broken", "device.erased"]);

async function end(
  seals: DeviceSeals,
  unit: Unit,
  device: Id<"device">,
  id: Id<"command">,
  ended: (command: Command) => Command,
): Promise<void> {
  const care = careIn(unit);
  try {
    const rows = commandsIn(unit, device, await seals.of(unit, device));
    const command = await rows.take(id);
    if (command) await rows.save(ended(command));
    else await care.remove(id);
  } catch (error) {
    // It does not open any more, so that nobody is given it: it goes as if it had ended now.
    if (!(error instanceof Refusal) || !neverOpens.has(error.code)) throw error;
    await care.remove(id);
    if (error.code === "seal.broken") unit.audit({ what: "command.altered", about: device, facts: { command: id } });
  }
}
