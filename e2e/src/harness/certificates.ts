import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether this machine has the `openssl` command. */
export const hasOpenssl = spawnSync("openssl", ["version"], { stdio: "ignore" }).status === 0;

/** An authority, a certificate for `localhost`, and one for a client, made for one test run. */
export class Certificates {
  readonly directory = mkdtempSync(join(tmpdir(), "ottla-certificates-"));
  readonly ca: string;
  readonly server: { readonly key: string; readonly cert: string };
  readonly client: { readonly key: string; readonly cert: string };

  constructor() {
    this.#openssl(
      ...["req", "-x509", ...NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem"],
      ...["-days", "2", "-subj", "/CN=Ottla test authority"],
    );
    this.ca = this.#read("ca.pem");
    this.server = this.#issue("server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1");
    this.client = this.#issue("client", "/CN=alice", "extendedKeyUsage=clientAuth");
  }

  /** A file with a key and its certificate, as Kafka's PEM keystores want them. */
  keystoreFile(): string {
    const path = join(this.directory, "keystore.pem");
    writeFileSync(path, this.server.key + this.server.cert + this.ca);
    return path;
  }

  truststoreFile(): string {
    return join(this.directory, "ca.pem");
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #issue(name: string, subject: string, extension: string): { readonly key: string; readonly cert: string } {
    this.#openssl("req", ...NEW_KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
    writeFileSync(join(this.directory, `${name}.ext`), extension);
    this.#openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
      ...["-days", "2", "-extfile", `${name}.ext`, "-out", `${name}.pem`],
    );
    return { key: this.#read(`${name}.key`), cert: this.#read(`${name}.pem`) };
  }

  #read(name: string): string {
    return readFileSync(join(this.directory, name), "utf8");
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.directory, stdio: "ignore" });
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
