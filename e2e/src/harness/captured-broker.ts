import { freePort } from "@ottla/transport/node";
import { BrokerProcess } from "./broker-process.ts";
import { CaptureProxy } from "./capture-proxy.ts";

/** A broker behind a proxy that keeps what other people's clients and it say to each other. */
export class CapturedBroker {
  readonly broker: BrokerProcess;
  readonly proxy: CaptureProxy;

  private constructor(broker: BrokerProcess, proxy: CaptureProxy) {
    this.broker = broker;
    this.proxy = proxy;
  }

  /** What clients are told to connect to. */
  get bootstrapServers(): string {
    return `127.0.0.1:${this.proxy.port}`;
  }

  static async start(config: Readonly<Record<string, string | number>> = {}): Promise<CapturedBroker> {
    const proxy = await CaptureProxy.listen();
    const settings = { ...config, "advertised.listeners": `PLAINTEXT://127.0.0.1:${proxy.port}` };
    const args = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const broker = await BrokerProcess.start({ port: await freePort(), args });
    proxy.forwardTo(broker.port);
    return new CapturedBroker(broker, proxy);
  }

  async stop(): Promise<void> {
    await this.proxy.close();
    await this.broker.stop();
  }
}
