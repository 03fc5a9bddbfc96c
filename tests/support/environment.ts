/** Where the services of this test run are; global-setup.ts starts them and writes these variables. */

const variables = {
  databaseUrl: 'ADO_TEST_DATABASE_URL',
  redisUrl: 'ADO_TEST_REDIS_URL',
  temporalAddress: 'ADO_TEST_TEMPORAL_ADDRESS',
  temporalMetricsUrl: 'ADO_TEST_TEMPORAL_METRICS_URL',
  workflowBundle: 'ADO_TEST_WORKFLOW_BUNDLE',
} as const;

/** Answers one address. @throws Error when the run was started without services */
export function testService(name: keyof typeof variables): string {
  const value = process.env[variables[name]];
  if (value === undefined || value === '') {
    throw new Error(
      `${variables[name]} is not set: run this test by \`npm test\`, which starts the services`,
    );
  }
  return value;
}

/** Hands an address on to the test processes. */
export function provideTestService(name: keyof typeof variables, value: string): void {
  process.env[variables[name]] = value;
}
