import type { CredentialId, Instant } from "@holdfast/kernel";
import type { Credential } from "./credential.ts";
import { DeviceKeys } from "./device-keys.ts";

/** The credentials that were shown since the start, and their parents, until they have expired. */
export class KnownCredentials extends Map<CredentialId, Credential> {
  /** Hears of every credential that is made or changed, because whoever commits one puts it here. */
  readonly ofDevices = new DeviceKeys();

  override set(id: CredentialId, credential: Credential): this {
    this.ofDevices.put(credential);
    return super.set(id, credential);
  }

  /** Credentials that have expired are over for good; a parent goes after its children, whose chain would end without it. */
  forgetExpired(now: Instant): void {
    const parents = new Set<CredentialId>();
    for (const { parent } of this.values()) if (parent) parents.add(parent);
    for (const { id, expiresAt } of this.values())
      if (expiresAt !== undefined && expiresAt <= now && !parents.has(id)) this.delete(id);
  }
}
