/** The API's own description: /openapi.json, and /docs to read and try it, with nothing from elsewhere. */
import { createRequire } from 'node:module';
import { Router } from 'express';
import { buildOpenApi } from '../openapi.ts';

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>ado API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** In a file of its own, as the content security policy lets no inline script run. */
const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', validatorUrl: null });
`;

const files = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** Serves the description and its page. */
export function documentRoutes(version: string): Router {
  const router = Router();
  const openApi = JSON.stringify(buildOpenApi(version));
  const require = createRequire(import.meta.url);
  router.get('/openapi.json', (_request, response) => {
    response.type('json').send(openApi);
  });
  router.get('/docs', (_request, response) => {
    response.type('html').send(page);
  });
  router.get('/docs/start.js', (_request, response) => {
    response.type('text/javascript').send(start);
  });
  for (const file of files) {
    const path = require.resolve(`swagger-ui-dist/${file}`);
    router.get(`/docs/${file}`, (_request, response) => {
      response.set('cache-control', 'public, max-age=86400').sendFile(path);
    });
  }
  return router;
}
