/** The keys and certificates of a control plane for tests, valid for two days. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../../cli/dev/programs/run-program.ts';

/** Where they lie. */
export interface Certificates {
  /** Signs the others; clients trust it. */
  readonly authority: string;
  /** What a server on the loopback address shows, and its key. */
  readonly server: CertificateFiles;
  /** With which the API server speaks to the servers of aggregated APIs. */
  readonly frontProxy: CertificateFiles;
  /** Signs the tokens of service accounts. */
  readonly serviceAccountKey: string;
}

/** One certificate. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** The name in the certificate of the front proxy, which the API server has to be told. */
export const frontProxyName = 'front-proxy';

/** Makes them in a folder. */
export async function createCertificates(folder: string): Promise<Certificates> {
  const authority = filesOf(folder, 'authority');
  await createCertificate(authority, ['-subj', '/CN=ado-test']);
  const signed = ['-CA', authority.certificate, '-CAkey', authority.key];
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc';
  const server = filesOf(folder, 'server');
  await createCertificate(server, ['-subj', '/CN=localhost', '-addext', names, ...signed]);
  const frontProxy = filesOf(folder, 'front-proxy');
  await createCertificate(frontProxy, ['-subj', `/CN=${frontProxyName}`, ...signed]);

  const serviceAccountKey = join(folder, 'service-account.key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(serviceAccountKey, privateKey.export({ type: 'sec1', format: 'pem' }));
  return { authority: authority.certificate, server, frontProxy, serviceAccountKey };
}

function filesOf(folder: string, name: string): CertificateFiles {
  return { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

async function createCertificate(files: CertificateFiles, args: readonly string[]): Promise<void> {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2'];
  const out = ['-keyout', files.key, '-out', files.certificate];
  const result = await runProgram('openssl', ['req', '-x509', ...kind, ...out, ...args], {
    env: process.env,
  });
  if (result.code !== 0) throw new Error(`openssl could not make a certificate:\n${result.stderr}`);
}
