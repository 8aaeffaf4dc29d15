import type { Clock } from "@ottla/runtime";
import { isZooKeeperError, type ZooKeeper } from "@ottla/zookeeper";
import type { ClaimOutcome, ControllerElection, ControllerTerm } from "../metadata-log.ts";
import { decodeControllerId, decodeEpoch, encodeController, encodeEpoch, type ZooKeeperPaths } from "./layout.ts";
import type { PatientClient } from "./patient-client.ts";
import { StandingWatch } from "./standing-watch.ts";

/** The office that this broker holds: what its appends are fenced by. */
export interface HeldOffice {
  readonly controllerEpoch: number;
  /** Version of `/controller_epoch` as of the election: another one means that another controller was elected. */
  readonly epochVersion: number;
  readonly sessionId: bigint;
}

interface OfficeHolder {
  /** What `/controller` holds. */
  readonly data: Uint8Array;
  readonly controllerEpoch: number;
  readonly epochVersion: number;
  readonly ownerSessionId: bigint;
}

/**
 * The election of the controller: whoever creates the ephemeral `/controller` has the office, and raises
 * `/controller_epoch` in the same transaction.
 */
export class ZooKeeperElection implements ControllerElection {
  readonly #client: ZooKeeper;
  readonly #patient: PatientClient;
  readonly #paths: ZooKeeperPaths;
  readonly #clock: Clock;
  readonly #changes: StandingWatch;
  #held: HeldOffice | null = null;

  constructor(client: ZooKeeper, patient: PatientClient, paths: ZooKeeperPaths, clock: Clock) {
    this.#client = client;
    this.#patient = patient;
    this.#paths = paths;
    this.#clock = clock;
    this.#changes = new StandingWatch(client, (watch) => client.exists(paths.controller, watch));
  }

  /** The office, as far as this broker knows: the ensemble may have ended it already. */
  get held(): HeldOffice | null {
    return this.#held?.sessionId === this.#client.sessionId ? this.#held : null;
  }

  /** What is known of the office in this epoch may not be so any more: the next claim asks the ensemble. */
  forget(controllerEpoch: number): void {
    if (this.#held?.controllerEpoch === controllerEpoch) this.#held = null;
  }

  async claim(brokerId: number): Promise<ClaimOutcome> {
    const { held } = this;
    if (held !== null) return { kind: "won", controllerEpoch: held.controllerEpoch };
    try {
      return await this.#claim(brokerId);
    } catch (cause) {
      if (isZooKeeperError(cause, "CONNECTION_LOSS", "SESSION_EXPIRED", "SESSION_MOVED"))
        return { kind: "unknown", cause };
      throw cause;
    }
  }

  async current(): Promise<ControllerTerm | null> {
    await this.#patient.sync(this.#paths.controller);
    const holder = await this.#holder();
    return holder === null ? null : this.#termOf(holder);
  }

  async resign(controllerEpoch: number): Promise<void> {
    const { held } = this;
    if (held?.controllerEpoch !== controllerEpoch) return;
    this.#held = null;
    // Another has it already, or it has ended with the session: that will do.
    await this.#patient.settle(() => this.#vacate(held), "NO_NODE", "BAD_VERSION", "SESSION_EXPIRED");
  }

  #vacate({ epochVersion }: HeldOffice): Promise<void> {
    return this.#client.multi([
      { type: "check", path: this.#paths.controllerEpoch, version: epochVersion },
      { type: "remove", path: this.#paths.controller, version: -1 },
    ]);
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  async #claim(brokerId: number): Promise<ClaimOutcome> {
    const { controller, controllerEpoch: epochPath } = this.#paths;
    const { sessionId } = this.#client;
    const { data, stat } = await this.#patient.get(epochPath);
    const controllerEpoch = decodeEpoch(data, epochPath) + 1;
    try {
      await this.#client.multi([
        { type: "create", path: controller, data: encodeController(brokerId, this.#clock.nowMs()), ephemeral: true },
        { type: "set", path: epochPath, data: encodeEpoch(controllerEpoch), version: stat.version },
      ]);
    } catch (error) {
      if (isZooKeeperError(error, "NODE_EXISTS", "BAD_VERSION")) return await this.#taken(brokerId);
      throw error;
    }
    this.#held = { controllerEpoch, epochVersion: stat.version + 1, sessionId };
    return { kind: "won", controllerEpoch };
  }

  /** Somebody has the office. It may be this very session, by a claim whose answer was lost. */
  async #taken(brokerId: number): Promise<ClaimOutcome> {
    const { sessionId } = this.#client;
    await this.#patient.sync(this.#paths.controller);
    const holder = await this.#holder();
    if (holder === null) return await this.#claim(brokerId);
    const { controllerEpoch, epochVersion, ownerSessionId } = holder;
    if (ownerSessionId !== sessionId) return { kind: "lost", to: this.#termOf(holder) };
    this.#held = { controllerEpoch, epochVersion, sessionId };
    return { kind: "won", controllerEpoch };
  }

  /** Who has the office, with the epoch of that very election: it cannot change while the same `/controller` exists. */
  async #holder(): Promise<OfficeHolder | null> {
    for (;;) {
      const before = await this.#patient.find(this.#paths.controller);
      if (before === null) return null;
      const epoch = await this.#patient.get(this.#paths.controllerEpoch);
      const after = await this.#patient.find(this.#paths.controller);
      if (after?.stat.createdZxid !== before.stat.createdZxid) continue;
      return {
        data: before.data,
        controllerEpoch: decodeEpoch(epoch.data, this.#paths.controllerEpoch),
        epochVersion: epoch.stat.version,
        ownerSessionId: before.stat.ephemeralOwner,
      };
    }
  }

  #termOf({ data, controllerEpoch }: OfficeHolder): ControllerTerm {
    return { controllerId: decodeControllerId(data, this.#paths.controller), controllerEpoch };
  }
}
