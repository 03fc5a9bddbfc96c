/**
 * Makes `instanceof Error` true for the errors of Node's own modules, as it is outside of tests: Jest gives every test
 * file globals of its own, and what `node:fs` throws was made with the real ones. Classes below Error are left alone.
 */
import { types } from 'node:util';

Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, candidate: unknown): boolean {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- Node 22 has no Error.isError yet.
    if (this === Error && types.isNativeError(candidate)) return true;
    return Function.prototype[Symbol.hasInstance].call(this, candidate);
  },
});
