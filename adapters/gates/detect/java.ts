/** Checks of projects of Maven and Gradle, by the wrapper that the repository holds or the program of the machine. */
import type { CommittedFiles } from '../../ports.ts';
import type { Candidate } from './ecosystem.ts';

/** Finds them. */
export function findJava({ paths }: CommittedFiles): Candidate[] {
  const hasTests = paths.some((path) => /(^|\/)src\/test\//.test(path));
  const two = (source: string, build: string, test: string): Candidate[] => [
    { kind: 'build', command: build, source },
    ...(hasTests ? [{ kind: 'test' as const, command: test, source }] : []),
  ];
  if (paths.includes('pom.xml')) {
    const maven = paths.includes('mvnw') ? 'sh ./mvnw' : 'mvn';
    return two('pom.xml', `${maven} -B -q -DskipTests compile`, `${maven} -B -q test`);
  }
  const source = ['build.gradle', 'build.gradle.kts'].find((path) => paths.includes(path));
  if (source === undefined) return [];
  const gradle = `${paths.includes('gradlew') ? 'sh ./gradlew' : 'gradle'} --no-daemon`;
  // Quiet, it says of tests only how many failed.
  return two(source, `${gradle} -q assemble`, `${gradle} --console=plain test`);
}
