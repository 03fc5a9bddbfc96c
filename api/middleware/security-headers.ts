/** Headers that tell browsers what they may not do with our answers. */
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Strict for every answer: pages load from our own origin only, and run no inline script. */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // Icons of the documentation page's style sheet are data URLs.
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
  });
}
