/** What stands in for API and worker where the platform around them is tested: healthy, and tells its environment. */
import { createServer } from 'node:http';

/** Serves `/health/ready` and `/environment` until SIGTERM. */
export function serveStandIn(port: string | undefined): void {
  const server = createServer((request, response) => {
    const answers: Record<string, string> = {
      '/health/ready': 'ready',
      '/environment': JSON.stringify(process.env),
    };
    const answer = answers[request.url ?? ''];
    response.statusCode = answer === undefined ? 404 : 200;
    response.end(answer);
  });
  server.listen(Number(port), '127.0.0.1');
  process.once('SIGTERM', () => process.exit(0));
}
