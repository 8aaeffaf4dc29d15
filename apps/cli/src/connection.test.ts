import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type ConnectionOptions, connectionOf } from "./connection.ts";

const directory = mkdtempSync(join(tmpdir(), "ottla-connection-"));
let files = 0;
const fileOf = (text: string) => {
  const path = join(directory, `file-${++files}`);
  writeFileSync(path, text);
  return path;
};
const connect = (options: Partial<ConnectionOptions>) => connectionOf({ bootstrap: "localhost:9092", ...options });

it.each([
  [{ saslUsername: "alice" }, "--sasl-username and --sasl-password-file need --sasl-mechanism"],
  [{ saslPasswordFile: "/secret" }, "--sasl-username and --sasl-password-file need --sasl-mechanism"],
  [{ sslCa: fileOf("k:1") }, "holds no PEM: a certificate in PEM has a line -----BEGIN CERTIFICATE-----"],
  [{ sslCert: fileOf("k:1"), sslKey: fileOf("k:1") }, "holds no PEM"],
  [{ sslCert: "/cert" }, "--ssl-cert and --ssl-key belong together"],
])("%j is told, not passed over", async (options, message) => {
  await expect(connect(options)).rejects.toThrow(message);
});

it("takes certificates in PEM", async () => {
  const ca = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
  await expect(connect({ sslCa: fileOf(ca) })).resolves.toMatchObject({ ssl: { ca } });
});
