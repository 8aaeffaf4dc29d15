import type { Committed, Controller, ControllerOperation, SubmitOptions } from "@ottla/metadata";
import type { ControllerGateway } from "./broker-services.ts";

/** The controller of a broker on its own: itself. */
export class LocalControllerGateway implements ControllerGateway {
  readonly controllerId: number;
  readonly isActive = true;
  readonly #controller: Controller;

  constructor(controllerId: number, controller: Controller) {
    this.controllerId = controllerId;
    this.#controller = controller;
  }

  submit<Response>(operation: ControllerOperation<Response>, options?: SubmitOptions): Promise<Committed<Response>> {
    return this.#controller.submit(operation, options);
  }

  refresh(): void {}
}
