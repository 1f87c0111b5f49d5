import { z } from 'zod'
import { ERROR_STATUS, engineCalls, engineEvents } from '../contract/index.ts'
import { ChallengeRequest, TokenRequest } from './auth-routes.ts'
import { PresenceRequest, PutRequest } from './relay-routes.ts'
import { SearchParameters } from './search-routes.ts'
import { UploadJson } from './upload-fields.ts'

type Json = Readonly<Record<string, unknown>>

const mediaIdParameter = {
  name: 'mediaId',
  in: 'path',
  required: true,
  description: '64 lowercase hex: the sha256 of the stored bytes',
  schema: { type: 'string', pattern: '^[0-9a-f]{64}$' },
}
const ownerToken = [{ ownerToken: [] }]
const strangerOrReader = [{}, { readerToken: [] }, ...ownerToken]
const controlToken = [{ controlToken: [] }]

/**
 * The description of both listeners, made from the contract's schemas.
 * @see the OpenAPI Specification 3.1, whose schemas are JSON Schema 2020-12
 */
export function openApiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sower node',
      version: '1',
      description:
        'Paths under /rpc and /events are on the control listener (this computer only), all others on the node listener.',
    },
    paths: {
      ...authPaths(),
      ...mediaPaths(),
      ...searchPaths(),
      ...nodePaths(),
      ...relayPaths(),
      ...controlPaths(),
    },
    components: {
      securitySchemes: {
        ownerToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'From `sower token`, or by logging in with the owner key of the node',
        },
        readerToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'By logging in with any owner key, or an OIP server’s token where its secret is shared',
        },
        controlToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'The file control.token of the data folder',
        },
      },
      schemas: { Problem: problemSchema() },
    },
  }
}

function authPaths(): Json {
  const step = (summary: string, request: z.ZodType, gives: string, ...refusals: number[]): Json => ({
    post: {
      summary,
      requestBody: {
        required: true,
        content: { 'application/json': { schema: toSchema(request, 'input') } },
      },
      responses: {
        200: {
          description: 'Given',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: [gives, 'expiresAt'],
                properties: {
                  [gives]: { type: 'string' },
                  expiresAt: { type: 'string', format: 'date-time' },
                },
              },
            },
          },
        },
        ...problems(400, 413, 415, 429, ...refusals),
      },
    },
  })
  return {
    '/api/auth/challenge': step('What to sign to log in with an owner key', ChallengeRequest, 'challenge'),
    '/api/auth/token': step('A token for the signed challenge', TokenRequest, 'token', 401, 421),
  }
}

function mediaPaths(): Json {
  const bytes = {
    get: {
      summary: 'The stored bytes; one range at a time',
      description:
        'The node listener gives ciphertext as it is stored; the control listener, to its token, the file itself, decrypted.',
      security: [...strangerOrReader, ...controlToken],
      parameters: [
        mediaIdParameter,
        { name: 'Range', in: 'header', schema: { type: 'string' } },
        { name: 'If-Range', in: 'header', schema: { type: 'string' } },
        { name: 'If-None-Match', in: 'header', schema: { type: 'string' } },
      ],
      responses: {
        200: { description: 'All bytes', content: { '*/*': {} } },
        206: { description: 'The range asked for', content: { '*/*': {} } },
        304: { description: 'The client has them' },
        ...problems(401, 403, 404, 410, 416, 421, 422, 429, 503),
      },
    },
  }
  return { '/media/{mediaId}': bytes, '/api/media/{mediaId}': bytes }
}

function searchPaths(): Json {
  const { properties = {} } = toSchema(SearchParameters, 'input') as { properties?: Record<string, Json> }
  const shared = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }))
  const text = { schema: { type: 'string' }, in: 'query' }
  const step = (summary: string, more: readonly Json[]): Json => ({
    get: {
      summary,
      security: strangerOrReader,
      parameters: [...shared, ...more],
      responses: {
        200: { description: 'A page; with cursor when there is more', content: { 'application/json': {} } },
        ...problems(400, 401, 429),
      },
    },
  })
  return {
    '/api/search': step('What this node knows of and the asker may know of', []),
    '/api/records': step('The same as OIP’s records of media', [
      { ...text, name: 'search', description: 'The same as q' },
      { ...text, name: 'storage', description: 'gun; others have no records here' },
      { ...text, name: 'recordType', description: 'media; there are no others here' },
    ]),
  }
}

function nodePaths(): Json {
  const json = (description: string): Json => ({ description, content: { 'application/json': {} } })
  return {
    '/api/media/upload': {
      post: {
        summary: 'Stores a file; private unless access_level says public',
        security: ownerToken,
        requestBody: {
          required: true,
          content: {
            'multipart/form-data': { schema: formSchema() },
            'application/json': { schema: toSchema(UploadJson, 'input') },
          },
        },
        responses: {
          200: json('These bytes were here already'),
          201: json('Stored'),
          ...problems(400, 401, 403, 408, 413, 415, 422, 429, 502, 503, 507),
        },
      },
    },
    '/api/media/{mediaId}/info': {
      get: {
        summary: 'What is known of an item, with its signed manifest',
        security: strangerOrReader,
        parameters: [mediaIdParameter],
        responses: { 200: json('OIP’s keys and ours'), ...problems(401, 404, 410, 429) },
      },
    },
    '/api/media/{mediaId}/torrent': {
      get: {
        summary: 'The metainfo of a public item, or of ciphertext one may read',
        security: strangerOrReader,
        parameters: [mediaIdParameter],
        responses: {
          200: { description: 'BitTorrent metainfo (BEP 3)', content: { 'application/x-bittorrent': {} } },
          ...problems(401, 404, 410, 429, 503),
        },
      },
    },
    '/health': {
      get: {
        summary: 'Whether the node is well; its counters for the owner',
        security: strangerOrReader,
        responses: { 200: json('status and timestamp; more for the owner'), ...problems(401, 429) },
      },
    },
    '/openapi.json': { get: { summary: 'This document', responses: { 200: json('OpenAPI 3.1') } } },
  }
}

/** The routes of OIP's relay. */
function relayPaths(): Json {
  const json = (description: string): Json => ({ description, content: { 'application/json': {} } })
  const sent = (schema: Json): Json => ({ required: true, content: { 'application/json': { schema } } })
  return {
    '/media/manifest': {
      get: {
        summary: 'The newest signed manifest of an item of the library, else of one the network knows',
        description: '`signed: false`: nobody signed it; a hint to where bytes may be.',
        security: strangerOrReader,
        parameters: [{ ...mediaIdParameter, name: 'id', in: 'query' }],
        responses: { 200: json('The manifest, its lists as lists'), ...problems(401, 404, 410, 429) },
      },
      post: {
        summary: 'Believes, indexes and publishes a manifest that whoever sends it has signed',
        description:
          'Takes `id` at the top and OIP’s `media.id`; lists as they are or as JSON in a string. The node’s owner may also give OIP’s unsigned ones of public items, which are kept as hints.',
        security: [{ readerToken: [] }, ...ownerToken],
        requestBody: sent({ type: 'object' }),
        responses: {
          200: json('success, mediaId, soul, signed, published'),
          ...problems(400, 401, 403, 409, 410, 413, 415, 422, 429, 503),
        },
      },
    },
    '/media/presence': {
      post: {
        summary: 'Says who has an item: this node (signed, of what it really has) or another peer (unsigned)',
        security: ownerToken,
        requestBody: sent(toSchema(PresenceRequest, 'input')),
        responses: { 200: json('success, signed'), ...problems(400, 401, 403, 413, 415, 429, 503) },
      },
    },
    '/put': {
      post: {
        summary: 'Writes a node of the network; lists and objects become JSON in a string',
        security: ownerToken,
        requestBody: sent(toSchema(PutRequest, 'input')),
        responses: { 200: json('success, soul'), ...problems(400, 401, 403, 409, 413, 415, 429, 503) },
      },
    },
    '/get': {
      get: {
        summary: 'A node of the network, links of one level resolved, without GUN’s metadata',
        security: strangerOrReader,
        parameters: [
          { name: 'soul', in: 'query', required: true, schema: { type: 'string', maxLength: 256 } },
        ],
        responses: { 200: json('success, data'), ...problems(400, 401, 404, 429, 503) },
      },
    },
  }
}

function controlPaths(): Json {
  const calls = Object.entries(engineCalls).map(([name, { args, result }]): [string, Json] => [
    `/rpc/${name}`,
    {
      post: {
        operationId: name,
        tags: ['control'],
        security: controlToken,
        requestBody: { required: true, content: { 'application/json': { schema: toSchema(args, 'input') } } },
        responses: {
          200: { description: 'Done', content: { 'application/json': { schema: replySchema(result) } } },
          default: {
            description: 'Refused',
            content: { 'application/json': { schema: errorReplySchema() } },
          },
        },
      },
    },
  ])
  const events = Object.entries(engineEvents).map(([name, payload]) => ({
    title: name,
    ...toSchema(payload, 'output'),
  }))
  return {
    ...Object.fromEntries(calls),
    '/media/{mediaId}/ticket': {
      post: ticketStep('An address of this item that a player opens without the token', [mediaIdParameter]),
    },
    '/events/ticket': { post: ticketStep('A ticket that opens the event stream once', []) },
    '/transfers/{id}/media': {
      get: {
        summary: 'A download as the file it will be, decrypted, as it arrives; one range at a time',
        tags: ['control'],
        security: controlToken,
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: {
          200: { description: 'All bytes', content: { '*/*': {} } },
          206: { description: 'The range asked for', content: { '*/*': {} } },
          ...problems(401, 403, 404, 409, 416, 421, 422, 503),
        },
      },
    },
    '/events': {
      get: {
        summary: 'Server-sent events; the event’s name is the title of its data’s schema',
        tags: ['control'],
        security: [...controlToken, {}],
        parameters: [{ name: 'ticket', in: 'query', schema: { type: 'string' } }],
        responses: {
          200: { description: 'The stream', content: { 'text/event-stream': { schema: { oneOf: events } } } },
          ...problems(401, 403, 421, 503),
        },
      },
    },
  }
}

function ticketStep(summary: string, parameters: readonly Json[]): Json {
  return {
    summary,
    tags: ['control'],
    security: controlToken,
    parameters,
    requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } },
    responses: {
      200: { description: 'Given, with expiresInMs', content: { 'application/json': {} } },
      ...problems(401, 403, 404, 421),
    },
  }
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

function replySchema(result: z.ZodType): Json {
  return {
    type: 'object',
    required: ['ok', 'value'],
    properties: { ok: { const: true }, value: toSchema(result, 'output') },
  }
}

function errorReplySchema(): Json {
  return {
    type: 'object',
    required: ['ok', 'error'],
    properties: {
      ok: { const: false },
      error: {
        type: 'object',
        required: ['code', 'message'],
        properties: {
          code: { enum: Object.keys(ERROR_STATUS) },
          message: { type: 'string' },
          hint: { type: 'string' },
          details: { type: 'object' },
        },
      },
    },
  }
}

function formSchema(): Json {
  return {
    type: 'object',
    required: ['file'],
    properties: {
      file: { type: 'string', contentMediaType: 'application/octet-stream' },
      name: { type: 'string' },
      access_level: { enum: ['public', 'private', 'shared'], default: 'private' },
      encrypt: { enum: ['true', 'false'], default: 'false' },
      'recipients[]': {
        type: 'array',
        items: { type: 'string' },
        description: 'Owner keys or SEA keys of contacts, or cards; implies encrypt',
      },
    },
  }
}

function problemSchema(): Json {
  const text = { type: 'string' }
  return {
    type: 'object',
    description: 'RFC 9457',
    required: ['type', 'title', 'status', 'detail', 'code', 'error'],
    properties: {
      type: text,
      title: text,
      status: { type: 'integer' },
      detail: text,
      code: { enum: Object.keys(ERROR_STATUS) },
      error: { ...text, description: 'The same sentence, for OIP’s clients' },
      hint: text,
      revocation: { type: 'object', description: 'With code WITHDRAWN: what its owner signed' },
    },
  }
}

function problems(...statuses: readonly number[]): Json {
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries(statuses.map((status) => [status, { description: 'Refused', content }]))
}
