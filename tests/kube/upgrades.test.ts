// Sequences of what operators do to a pool of the real chart, drawn at random: scale it, change its image, switch its
// autoscaler on and off, roll back, while the load changes. The rules that always hold:
//   - Helm refuses exactly when the number that it renders is not the live one and somebody else owns it
//   - a refusal changes nothing, and by force the rendered number is there
//   - an upgrade of an autoscaled pool is never refused and never lowers what the autoscaler has set
// A failure names its seed; ADO_TEST_SEED repeats it.
import { array, boolean, constant, constantFrom, oneof, record, sample } from 'fast-check';
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { startExternalMetrics } from '../support/kube/external-metrics.ts';
import type { ExternalMetrics } from '../support/kube/external-metrics.ts';
import type { KubeObject } from '../support/kube/kube-api.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import { followReplicas } from '../support/kube/replica-log.ts';
import type { ReplicaLog } from '../support/kube/replica-log.ts';

const seed = Number(process.env['ADO_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const sequenceCount = 20;
// Most of a sequence is waiting for an autoscaler's next look.
const atOnce = 6;
const queuedPerWorker = 10;
const minimum = 2;

// Apart by more than the tenth that an autoscaler tolerates.
const replicas = constantFrom(2, 3, 5, 8);
const step = oneof(
  record({ name: constant('scale' as const), replicas }),
  record({ name: constant('autoscale' as const) }),
  record({ name: constant('change image' as const) }),
  record({ name: constant('roll back' as const), by: constantFrom(1, 2, 3) }),
  record({ name: constant('load' as const), replicas }),
);
const steps = array(step, { minLength: 3, maxLength: 5 });
const sequences = sample(record({ isAutoscaled: boolean(), steps }), {
  numRuns: sequenceCount,
  seed,
});
type Step = (typeof sequences)[number]['steps'][number];

/** What a revision of the release says of the pool. */
interface Revision {
  readonly autoscaled: boolean;
  readonly image: number;
  /** The number in its manifest. */
  readonly rendered: number;
  readonly refused: boolean;
}

let cluster: Cluster;
let metrics: ExternalMetrics;
/** How many replicas the autoscaler of a namespace shall want; without an entry it gets no metric and keeps still. */
const wishes = new Map<string, number>();

beforeAll(async () => {
  cluster = await startCluster();
  metrics = await startExternalMetrics(cluster.plane, async ({ namespace, metric }) => {
    const wish = wishes.get(namespace);
    if (wish === undefined) return Promise.resolve(undefined);
    return Promise.resolve(metric === 'ado_task_queue_length' ? wish * queuedPerWorker : 0);
  });
}, 3_600_000);

afterAll(async () => {
  await metrics.close();
  await cluster.stop();
});

const atOnceAsMuchAsIsNeeded = {
  stabilizationWindowSeconds: 0,
  policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
};

function valuesOf({ autoscaled, image, rendered }: Revision): string {
  const behavior = { scaleUp: atOnceAsMuchAsIsNeeded, scaleDown: atOnceAsMuchAsIsNeeded };
  const external = {
    mode: 'external',
    min: minimum,
    max: 20,
    targetQueued: queuedPerWorker,
    behavior,
  };
  return JSON.stringify({
    fullnameOverride: 'ado',
    image: { tag: `v${String(image)}` },
    secrets: { existingSecret: 'ado-secrets' },
    postgresql: { mode: 'external', external: { host: 'db.example.com' } },
    redis: { mode: 'external', external: { host: 'redis.example.com' } },
    temporal: { enabled: false, address: 'temporal.example.com:7233' },
    networkPolicy: { enabled: false },
    api: { replicas: 1, autoscaling: { mode: 'none' } },
    workerPools: {
      workflows: null,
      models: null,
      agents: autoscaled ? { autoscaling: external } : { replicas: rendered },
    },
  });
}

/** A pool on its way through a sequence. */
class Pool {
  readonly #namespace: string;
  readonly #log: ReplicaLog;
  readonly #revisions: Revision[] = [];
  #wish = 4;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.#log = followReplicas(cluster.api, namespace, 'ado-worker-agents');
  }

  async install(autoscaled: boolean): Promise<void> {
    await cluster.createNamespace(this.#namespace);
    const rendered = autoscaled ? minimum : 3;
    await this.#upgrade({ autoscaled, image: 1, rendered, refused: false });
  }

  async close(): Promise<void> {
    await this.#log.stop();
  }

  async perform(next: Step): Promise<void> {
    const current = this.#current();
    const live = this.#log.last() ?? 0;
    switch (next.name) {
      case 'load':
        this.#wish = next.replicas;
        await this.#settle();
        return;
      case 'scale':
        await this.#upgrade({ ...current, autoscaled: false, rendered: next.replicas });
        return;
      case 'autoscale':
        await this.#upgrade({ ...current, autoscaled: true, rendered: live });
        return;
      case 'change image': {
        const rendered = current.autoscaled ? live : current.rendered;
        await this.#upgrade({ ...current, image: current.image + 1, rendered });
        return;
      }
      case 'roll back': {
        const targets = this.#revisions.slice(0, -1).filter(({ refused }) => !refused);
        const target = targets.at(-next.by);
        if (target !== undefined) await this.#rollBack(target);
      }
    }
  }

  #current(): Revision {
    const current = this.#revisions.findLast(({ refused }) => !refused);
    if (current === undefined) throw new Error('not installed');
    return current;
  }

  async #upgrade(revision: Revision): Promise<void> {
    // Whether the objects are right is looked at elsewhere, and takes a third of the time of a call.
    const fast = '--disable-openapi-validation';
    const args = ['upgrade', '--install', 'ado', chartFolder, '-f', '-', fast];
    await this.#deploy(revision, args, valuesOf(revision));
  }

  async #rollBack(target: Revision): Promise<void> {
    const number = this.#revisions.indexOf(target) + 1;
    await this.#deploy(target, ['rollback', 'ado', String(number)]);
  }

  /** Has Helm make a revision and looks at what became of the replicas. */
  async #deploy(revision: Revision, words: readonly string[], input = ''): Promise<void> {
    const args = [...words, '-n', this.#namespace];
    const live = this.#log.last();
    const before = this.#log.numbers.length;
    // It could move between Helm's look at the live number and its change: then one upgrades again.
    wishes.delete(this.#namespace);
    const others = live === undefined ? [] : await this.#otherOwners();
    const isConflict = others.length > 0 && revision.rendered !== live;

    const result = await cluster.tryHelm(args, { input });

    this.#revisions.push({ ...revision, refused: isConflict });
    expect(result.stderr.includes('.spec.replicas')).toBe(isConflict);
    expect(result.code === 0).toBe(!isConflict);
    if (isConflict) {
      expect(words[0] === 'upgrade' && revision.autoscaled).toBe(false);
      expect(this.#log.last()).toBe(live);
      await cluster.helm([...args, '--force-conflicts'], { input });
      this.#revisions.push(revision);
    }
    await this.#log.until(revision.rendered);
    const seen = this.#log.numbers.slice(before);
    expect(seen).toEqual(revision.rendered === live ? [] : [revision.rendered]);
    await this.#settle();
  }

  async #settle(): Promise<void> {
    if (!this.#current().autoscaled) return;
    wishes.set(this.#namespace, this.#wish);
    await this.#log.until(this.#wish);
  }

  /** Who but Helm has set the number of replicas, as far as the API server remembers. */
  async #otherOwners(): Promise<readonly string[]> {
    const path = `/apis/apps/v1/namespaces/${this.#namespace}/deployments/ado-worker-agents`;
    const { metadata } = await cluster.api.get<
      KubeObject & { readonly metadata: { readonly managedFields: readonly FieldOwner[] } }
    >(path);
    const owners = metadata.managedFields.filter(
      ({ fieldsV1 }) => fieldsV1['f:spec']?.['f:replicas'] !== undefined,
    );
    return owners.map(({ manager }) => manager).filter((manager) => manager !== 'helm');
  }
}

interface FieldOwner {
  readonly manager: string;
  readonly fieldsV1: { readonly 'f:spec'?: { readonly 'f:replicas'?: object } };
}

it(`${String(sequenceCount)} sequences of operations keep to the rules (seed ${String(seed)})`, async () => {
  const waiting = [...sequences.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [number, sequence] = next;
      const pool = new Pool(`sequence-${String(number)}`);
      try {
        await pool.install(sequence.isAutoscaled);
        for (const one of sequence.steps) await pool.perform(one);
      } catch (error) {
        const message = `seed ${String(seed)}, sequence ${String(number)}: ${JSON.stringify(sequence)}`;
        throw new Error(message, { cause: error });
      } finally {
        await pool.close();
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));

  const done = sequences.flatMap(({ steps: all }) => all.map(({ name }) => name));
  expect(new Set(done).size).toBe(5);
  expect(new Set(sequences.map(({ isAutoscaled }) => isAutoscaled)).size).toBe(2);
  expect(cluster.nodes.troubles).toEqual([]);
}, 600_000);
