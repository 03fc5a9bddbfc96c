/** `ado doctor`: what this machine has of what ado needs, and the line that mends what is missing. */
import { AppError, codeOf, errorKinds } from '../../contracts/errors.ts';
import type { KubernetesConfig } from '../../config/cli-config.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { runDoctor } from '../dev/doctor.ts';
import type { DoctorCheck } from '../dev/doctor.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { isLocal } from '../contexts.ts';
import { loadContext, loadProjectConfig, loadUserConfig } from '../settings.ts';
import { formatTable } from '../table.ts';

/** Runs the command; exit code 1 when something needed is missing. */
export async function doctor(
  cli: Cli,
  options: { readonly output: OutputFormat },
): Promise<number> {
  const [machine, configuration, server, clusters] = await Promise.all([
    runDoctor(cli.environment.variables),
    checkConfiguration(cli),
    checkServer(cli),
    checkClusters(cli),
  ]);
  const checks = [...machine, configuration, server, ...clusters];
  const { paint } = cli.terminal;
  await print(cli.terminal, options.output, {
    value: { checks },
    rows: checks,
    names: checks.filter((check) => !check.ok).map((check) => check.name),
    text: () =>
      formatTable(
        paint,
        ['', 'CHECK', 'FOUND', 'TO DO'],
        checks.map(({ name, ok, found, fix }) => [
          ok ? paint.green('ok') : paint.red('missing'),
          name,
          found,
          fix,
        ]),
      ),
  });
  return checks.every((check) => check.ok) ? exitCodes.ok : exitCodes.failed;
}

async function checkConfiguration(cli: Cli): Promise<DoctorCheck> {
  const check = { name: 'configuration', needed: 'files without mistakes' };
  try {
    const context = await loadContext(cli);
    await loadProjectConfig(cli);
    return { ...check, ok: true, found: `context ${context.name}`, fix: '' };
  } catch (error) {
    return { ...check, ok: false, ...tell(error) };
  }
}

/** The server of the context. That the platform of this machine is not running is no fault: `run` starts it. */
async function checkServer(cli: Cli): Promise<DoctorCheck> {
  const check = { name: 'server', needed: 'a server that knows the key' };
  try {
    const api = await connect(cli, { mayStart: false });
    const key = await api.call('get /v1/key', {});
    const found = `version ${key.version}, tenant ${key.tenant}, may ${key.scopes.join(', ')}`;
    return { ...check, ok: true, found, fix: '' };
  } catch (error) {
    const mayBeAway = await loadContext(cli).then(isLocal, () => false);
    const ok = mayBeAway && codeOf(error) === 'SERVER_UNREACHABLE';
    return { ...check, ok, ...tell(error), ...(ok ? { fix: '' } : {}) };
  }
}

/** The contexts on Kubernetes but the call's own, which is the one of the server. */
async function checkClusters(cli: Cli): Promise<DoctorCheck[]> {
  try {
    const own = await loadContext(cli);
    const { contexts = {} } = await loadUserConfig(cli);
    const checks = Object.entries(contexts).flatMap(([name, { kubernetes }]) =>
      kubernetes === undefined || name === own.name ? [] : [checkCluster(cli, name, kubernetes)],
    );
    return await Promise.all(checks);
  } catch {
    return []; // What is wrong with the configuration is told where it is looked at.
  }
}

async function checkCluster(
  { environment }: Cli,
  name: string,
  kubernetes: KubernetesConfig,
): Promise<DoctorCheck> {
  const check = { name: `context ${name}`, needed: 'a cluster that answers, with the service' };
  try {
    const { assertService } = await import('../kubernetes/port-forward.ts');
    await assertService(environment, kubernetes);
    const found = `${kubernetes.namespace}/${kubernetes.service}`;
    return { ...check, ok: true, found, fix: '' };
  } catch (error) {
    const fix = `look at the cluster with kubectl, or \`ado context remove ${name}\``;
    return { ...check, ok: false, found: tell(error).found, fix };
  }
}

function tell(error: unknown): Pick<DoctorCheck, 'found' | 'fix'> {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const problems = error instanceof AppError ? error.problems : [];
  const found = [message, ...problems.map((problem) => `${problem.path}: ${problem.message}`)];
  return { found: found.join(' '), fix: code === undefined ? '' : errorKinds[code].remedy };
}
