import type { Certificates } from "./certificates.ts";
import { type KafkaListener, KafkaProcess } from "./kafka-process.ts";

/** The password of `alice`, who may log in by every mechanism. */
export const SECRET = "a-secret-that-nobody-may-see";
/** How long a session lasts. */
export const REAUTH_MS = 2_500;
export const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

const LISTENERS: readonly KafkaListener[] = [
  { name: "TLS", securityProtocol: "SSL" },
  { name: "MTLS", securityProtocol: "SSL" },
  { name: "SASL", securityProtocol: "SASL_PLAINTEXT" },
  { name: "SASLTLS", securityProtocol: "SASL_SSL" },
];

function settingsOf(certificates: Certificates): Record<string, string> {
  const modules: Record<string, string> = {
    plain: `plain.PlainLoginModule required user_alice="${SECRET}"`,
    "scram-sha-256": "scram.ScramLoginModule required",
    "scram-sha-512": "scram.ScramLoginModule required",
    oauthbearer: 'oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"',
  };
  const jaas = ["sasl", "sasltls"].flatMap((listener) =>
    Object.entries(modules).map(([mechanism, module]) => [
      `listener.name.${listener}.${mechanism}.sasl.jaas.config`,
      `org.apache.kafka.common.security.${module};`,
    ]),
  );
  return {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": certificates.keystoreFile(),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": certificates.truststoreFile(),
    "listener.name.mtls.ssl.client.auth": "required",
    "sasl.enabled.mechanisms": MECHANISMS.join(","),
    "connections.max.reauth.ms": String(REAUTH_MS),
    ...Object.fromEntries(jaas),
  };
}

/** Apache Kafka with listeners TLS, MTLS, SASL and SASLTLS beside the plain one. */
export function startSecureKafka(certificates: Certificates, classPath: string | null): Promise<KafkaProcess> {
  return KafkaProcess.start(settingsOf(certificates), {
    classPath,
    listeners: LISTENERS,
    scramUsers: ["SCRAM-SHA-256", "SCRAM-SHA-512"].map((mechanism) => {
      return `${mechanism}=[name=alice,password=${SECRET}]`;
    }),
  });
}
