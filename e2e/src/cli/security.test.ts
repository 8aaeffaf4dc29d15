import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Certificates, hasOpenssl } from "../harness/certificates.ts";
import { kafkaClassPath } from "../harness/external.ts";
import type { KafkaProcess } from "../harness/kafka-process.ts";
import { ottla } from "../harness/ottla-command.ts";
import { SECRET, startSecureKafka } from "../harness/secure-kafka.ts";
import { TokenEndpoint } from "../harness/token-endpoint.ts";

describe.skipIf(kafkaClassPath === null || !hasOpenssl)("the ottla command with TLS and SASL, on Apache Kafka", () => {
  let certificates: Certificates;
  let kafka: KafkaProcess;
  let directory: string;
  let names = 0;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "ottla-cli-security-"));
    certificates = new Certificates();
    kafka = await startSecureKafka(certificates, kafkaClassPath);
  });
  afterAll(async () => {
    await kafka?.stop();
    certificates?.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const file = async (text: string): Promise<string> => {
    const path = join(directory, `file-${names++}`);
    await writeFile(path, text);
    return path;
  };
  const pathOf = (name: string) => join(certificates.directory, name);

  /** Every command that talks to a cluster, one after another. */
  async function useAll(listener: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const topic = `cli-secure-${names++}`;
    const connection = ["--bootstrap", kafka.addressOf(listener), ...args];
    const run = async (command: readonly string[], input?: string) => {
      const result = await ottla([...command, ...connection], { env, ...(input !== undefined && { input }) });
      expect(result, command.join(" ")).toMatchObject({ code: 0, stderr: "" });
      return result.stdout;
    };
    await run(["topics", "create", topic]);
    await run(["produce", topic], "one\ntwo\n");
    expect(await run(["consume", topic, "--from", "beginning", "--max", "2"])).toBe("one\ntwo\n");
    await run(["consume", topic, "--from", "beginning", "--max", "2", "--group", `group-of-${topic}`]);
    expect(await run(["groups", "describe", `group-of-${topic}`])).toContain(topic);
    expect(await run(["topics", "list"])).toContain(topic);
    expect(await run(["configs", "describe", topic, "--all"])).toContain("retention.ms");
    expect(await run(["top", "--iterations", "1", "--json"])).toContain("brokers");
    await run(["perf", "produce", topic, "--num-records", "10"]);
    const { stdout } = await ottla(["doctor", ...connection], { env });
    expect(stdout).toContain("1 broker(s)");
  }

  it("TLS, by the short form", () => useAll("TLS", ["--ssl-ca", pathOf("ca.pem")]));

  it("a client certificate, by the short forms", () =>
    useAll("MTLS", [
      ...["--ssl-ca", pathOf("ca.pem")],
      ...["--ssl-cert", pathOf("client.pem"), "--ssl-key", pathOf("client.key")],
    ]));

  it("SASL over TLS, by the short forms: the password from a file, or from the environment", async () => {
    const user = ["--ssl-ca", pathOf("ca.pem"), "--sasl-mechanism", "SCRAM-SHA-512", "--sasl-username", "alice"];
    await useAll("SASLTLS", [...user, "--sasl-password-file", await file(`${SECRET}\n`)]);
    const listed = await ottla(["topics", "list", "--bootstrap", kafka.addressOf("SASLTLS"), ...user], {
      env: { OTTLA_SASL_PASSWORD: SECRET },
    });
    expect(listed).toMatchObject({ code: 0, stderr: "" });
  });

  it("the properties file of Kafka's own tools: TLS with stores in PEM, and SASL", async () => {
    const stores = [
      "security.protocol=SSL",
      "ssl.truststore.type=PEM",
      `ssl.truststore.location=${certificates.truststoreFile()}`,
      "ssl.keystore.type=PEM",
      `ssl.keystore.location=${await file(certificates.client.key + certificates.client.cert)}`,
    ];
    await useAll("MTLS", ["--command-config", await file(stores.join("\n"))]);
    for (const [mechanism, module] of [
      ["PLAIN", "plain.PlainLoginModule"],
      ["SCRAM-SHA-256", "scram.ScramLoginModule"],
    ]) {
      const sasl = [
        "security.protocol=SASL_PLAINTEXT",
        `sasl.mechanism=${mechanism}`,
        `sasl.jaas.config=org.apache.kafka.common.security.${module} required \\`,
        `  username="alice" password="${SECRET}";`,
      ];
      await useAll("SASL", ["--command-config", await file(sasl.join("\n"))]);
    }
  });

  it("OAUTHBEARER: tokens of a token endpoint, and another one before the session ends", async () => {
    const endpoint = await TokenEndpoint.start({ clientId: "ottla-cli", clientSecret: SECRET });
    const properties = [
      "security.protocol=SASL_PLAINTEXT",
      "sasl.mechanism=OAUTHBEARER",
      "sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
      `sasl.oauthbearer.token.endpoint.url=${endpoint.url}`,
    ];
    const jaas = "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
    const args = (secret: string) => [...properties, `${jaas} clientId="ottla-cli" clientSecret="${secret}";`];
    try {
      await useAll("SASL", ["--command-config", await file(args(SECRET).join("\n"))]);
      const tokensBefore = endpoint.tokensGiven;
      const longRun = ["perf", "produce", "cli-token", "--num-records", "60", "--throughput", "10"];
      const connection = ["--bootstrap", kafka.addressOf("SASL"), "--command-config"];
      const longer = await ottla([...longRun, ...connection, await file(args(SECRET).join("\n"))]);
      expect(longer).toMatchObject({ code: 0, stderr: "" });
      // A session lasts as long as its token, and the run longer than one of them.
      expect(endpoint.tokensGiven - tokensBefore).toBeGreaterThanOrEqual(2);
      const wrong = await ottla(["topics", "list", ...connection, await file(args("another").join("\n"))]);
      expect(wrong).toMatchObject({ code: 1, stdout: "" });
      expect(wrong.stderr).toMatch(/status 401: invalid_client .*SASL_AUTHENTICATION_FAILED/);
      expect(wrong.stderr).not.toContain("another");
    } finally {
      endpoint.stop();
    }
  });

  it("doctor says on what client and listener do not agree", async () => {
    const plain = ["--sasl-mechanism", "PLAIN", "--sasl-username", "alice"];
    const ca = ["--ssl-ca", pathOf("ca.pem")];
    const other = new Certificates();
    const cases: [string, string, readonly string[], RegExp][] = [
      ["no credentials", kafka.addressOf("SASL"), [], /If the listener asks for SASL, give the client its credentials/],
      ["no credentials, over TLS", kafka.addressOf("SASLTLS"), ca, /If the listener asks for SASL, give the client/],
      ["credentials where nobody asks", kafka.bootstrapServers, plain, /Client and listener must agree/],
      ["a wrong password", kafka.addressOf("SASL"), plain, /Check user name, password or token, and the mechanism/],
      ["another authority", kafka.addressOf("TLS"), ["--ssl-ca", join(other.directory, "ca.pem")], /--ssl-ca/],
      ["TLS where there is none", kafka.bootstrapServers, ca, /Use the port of a TLS listener, or leave TLS out/],
      ["no TLS where there is", kafka.addressOf("TLS"), [], /Give clients TLS/],
    ];
    try {
      for (const [name, bootstrap, args, advice] of cases) {
        const result = await ottla(["doctor", "--bootstrap", bootstrap, ...args], {
          env: { OTTLA_SASL_PASSWORD: "wrong" },
        });
        expect({ name, ...result }).toEqual({ name, code: 1, stdout: expect.stringMatching(advice), stderr: "" });
        expect(result.stdout, name).not.toMatch(/wrong|\n\s+at /);
      }
    } finally {
      other.remove();
    }
  });

  it("what is wrong is said in words, without the secret", async () => {
    const wrong = `${SECRET}-but-wrong`;
    const list = (listener: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
      ottla(["topics", "list", "--bootstrap", kafka.addressOf(listener), ...args], { env });
    const user = ["--sasl-mechanism", "PLAIN", "--sasl-username", "alice"];
    const cases: [Awaited<ReturnType<typeof list>>, number, RegExp][] = [
      [await list("SASL", user, { OTTLA_SASL_PASSWORD: wrong }), 1, /SASL_AUTHENTICATION_FAILED/],
      [await list("SASL", user), 2, /--sasl-password-file/],
      [
        await list("SASL", ["--sasl-mechanism", "GSSAPI", "--sasl-username", "a"], { OTTLA_SASL_PASSWORD: wrong }),
        2,
        /SCRAM/,
      ],
      [await list("SASL", ["--command-config", await file(`security.protocol=${wrong}`)]), 2, /SASL_SSL/],
      [
        await list("SASL", [
          "--command-config",
          await file(`security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=x password="${wrong}";`),
        ]),
        2,
        /username/,
      ],
      [
        await list("TLS", ["--command-config", await file("security.protocol=SSL\nssl.truststore.location=/x.jks")]),
        2,
        /PEM/,
      ],
      [await list("TLS", ["--command-config", await file(`ssl.engine.factory.class=${wrong}`)]), 2, /not supported/],
      [await list("TLS", ["--ssl-ca", join(directory, "absent")]), 2, /cannot be read/],
      [await list("TLS", ["--ssl-ca", pathOf("ca.pem"), "--ssl-cert", pathOf("client.pem")]), 2, /belong together/],
    ];
    for (const [{ code, stdout, stderr }, expectedCode, message] of cases) {
      expect(stderr).toMatch(message);
      expect(code, stderr).toBe(expectedCode);
      expect(stdout + stderr).not.toContain(SECRET);
    }
  });
});
