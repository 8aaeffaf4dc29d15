import type {
  Committed,
  Controller,
  ControllerOperation,
  ControllerTerm,
  MetadataLog,
  SubmitOptions,
} from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import type { ControllerGateway } from "../services/broker-services.ts";

export interface ClusterGatewayOptions {
  readonly nodeId: number;
  readonly controller: Controller;
  readonly log: MetadataLog;
  readonly runtime: Runtime;
}

/**
 * Who is controller of a cluster, as the election says, and this broker's candidacy: it takes the office whenever it
 * finds it vacant.
 */
export class ClusterGateway implements ControllerGateway {
  readonly #options: ClusterGatewayOptions;
  readonly #unsubscribe: () => void;
  #term: ControllerTerm | null = null;
  #isCandidate = false;
  #looking: Promise<void> | null = null;
  #lookAgain = false;
  /** What was last said of the office being unreadable; null while it is readable. */
  #lastComplaint: string | null = null;
  #closed = false;

  constructor(options: ClusterGatewayOptions) {
    this.#options = options;
    this.#unsubscribe = options.log.election.onChange(() => this.refresh());
  }

  get controllerId(): number {
    return this.isActive ? this.#options.nodeId : (this.#term?.controllerId ?? -1);
  }

  get isActive(): boolean {
    return this.#options.controller.epoch !== null;
  }

  submit<Response>(operation: ControllerOperation<Response>, options?: SubmitOptions): Promise<Committed<Response>> {
    if (this.isActive) return this.#options.controller.submit(operation, options);
    return Promise.reject(KafkaError.fromCode(ErrorCode.NOT_CONTROLLER));
  }

  /** From now on this broker takes the office when it is vacant: it is announced. Resolves when it knows who has it. */
  async stand(): Promise<void> {
    this.#isCandidate = true;
    this.refresh();
    await this.#looking;
  }

  /** This broker is not announced any more: it can neither have the office nor get it. */
  withdraw(): void {
    this.#isCandidate = false;
    if (this.isActive) this.#options.controller.stepDown();
  }

  /** This broker is about to stop: another one shall have the office at once, not when this one's session ends. */
  async resign(): Promise<void> {
    this.#isCandidate = false;
    await this.#looking;
    await this.#options.controller.resign();
  }

  refresh(): void {
    if (this.#closed) return;
    this.#lookAgain = true;
    this.#looking ??= this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#isCandidate = false;
    this.#unsubscribe();
  }

  async #look(): Promise<void> {
    while (this.#lookAgain && !this.#closed) {
      this.#lookAgain = false;
      try {
        await this.#lookOnce();
        this.#lastComplaint = null;
      } catch (error) {
        this.#complain(error);
      }
    }
    this.#looking = null;
  }

  /** Every request that finds no controller has it looked up, until somebody mends what is amiss: that is said once. */
  #complain(error: unknown): void {
    const complaint = String(error);
    if (complaint === this.#lastComplaint) return;
    this.#lastComplaint = complaint;
    this.#options.runtime.logger.error("it cannot be found out who is controller", { err: error });
  }

  async #lookOnce(): Promise<void> {
    const { log, controller, nodeId } = this.#options;
    this.#term = await log.election.current();
    const isOurs = this.#term?.controllerId === nodeId;
    if (controller.epoch !== null && !(isOurs && this.#term?.controllerEpoch === controller.epoch))
      controller.stepDown();
    if (!this.#isCandidate || this.isActive || (this.#term !== null && !isOurs)) return;
    if (!(await controller.takeOffice())) this.#term = await log.election.current();
  }
}
