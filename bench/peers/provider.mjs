// node-oidc-provider as its documentation sets it up, with its own in-memory adapter, in one process. What differs from
// a default: the adapter keeps more than 1000 things, so that what is made here beforehand is still there when asked for.
//
// node provider.mjs PORT PIECES     writes made.json, codes, refresh_tokens to the folder that it is started in
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';
import MemoryAdapter from './node_modules/oidc-provider/lib/adapters/memory_adapter.js';
import LRU from './node_modules/oidc-provider/lib/helpers/lru.js';

const [port, pieces] = process.argv.slice(2).map(Number);
const { BENCH_SECRET: secret, BENCH_CHALLENGE: challenge, BENCH_REDIRECT_URI: redirectUri, BENCH_FOLDER } = process.env;
const store = new LRU({ maxSize: 10_000_000 });

function key(type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg };
}

const resources = { 'urn:api:ES256': 'ES256', 'urn:api:RS256': 'RS256' };
const hours = 6 * 3600;
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: (model) => new MemoryAdapter(model, store),
  clients: [
    {
      client_id: 'machine', client_secret: secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
    },
    {
      client_id: 'web', client_secret: secret, grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirectUri], response_types: ['code'], id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [key('ec', { namedCurve: 'P-256' }, 'ES256'), key('rsa', { modulusLength: 2048 }, 'RS256')] },
  scopes: ['openid', 'offline_access', 'read'],
  rotateRefreshToken: true,
  ttl: { AccessToken: hours, AuthorizationCode: hours, ClientCredentials: hours, Grant: hours, RefreshToken: hours },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg: resources[resource] } },
      }),
    },
  },
  async findAccount(ctx, sub) {
    return { accountId: sub, claims: async () => ({ sub, name: 'Person', email: `${sub}@example.com` }) };
  },
});

const web = await provider.Client.find('web');
const scope = 'openid offline_access';
const now = () => Math.floor(Date.now() / 1000);

async function granted(number) {
  const accountId = `person-${number % 200}`;
  const grant = new provider.Grant({ accountId, clientId: 'web' });
  grant.addOIDCScope(scope);
  return { accountId, client: web, grantId: await grant.save(), scope, authTime: now(), gty: 'authorization_code' };
}

const codes = [];
const tokens = [];
for (let number = 0; number < pieces; number += 1) {
  const code = new provider.AuthorizationCode({
    ...await granted(number), redirectUri, codeChallenge: challenge, codeChallengeMethod: 'S256', nonce: 'bench',
  });
  codes.push(await code.save());
}
for (let number = 0; number < 2 * pieces; number += 1) {
  tokens.push(await new provider.RefreshToken({ ...await granted(number), rotations: 0, iiat: now() }).save());
}
const access = await new provider.AccessToken({ ...await granted(0), clientId: 'web' }).save();
writeFileSync(`${BENCH_FOLDER}/codes`, codes.join('\n'));
writeFileSync(`${BENCH_FOLDER}/refresh_tokens`, tokens.join('\n'));
writeFileSync(`${BENCH_FOLDER}/made.json`, JSON.stringify({ access }));
provider.listen(port, '127.0.0.1');
