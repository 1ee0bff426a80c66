/** A real OpenID Connect provider on loopback, with people who are in groups. */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { freePort } from "./servers";

export interface OidcOptions {
  clientId: string;
  clientSecret: string;
  /** Where people are sent back to. */
  redirectUri: string;
  /** The groups of each person, by login name. */
  people: Record<string, string[]>;
  /** Whether the ID token says everything, or the userinfo endpoint alone does. @default false */
  inIdToken?: boolean;
}

/** A field of a form that was sent. */
async function field(request: IncomingMessage, name: string): Promise<string> {
  let body = "";
  for await (const part of request) body += part;
  return new URLSearchParams(body).get(name) ?? "";
}

export class Oidc {
  private constructor(
    readonly issuer: string,
    private readonly server: Server,
  ) {}

  /** Starts one that lets in whoever is known by name; it asks for PKCE and for no password. */
  static async start(options: OidcOptions): Promise<Oidc> {
    // @ts-expect-error It brings no types.
    const { default: Provider } = await import("oidc-provider");
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}`;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: options.clientId,
          client_secret: options.clientSecret,
          redirect_uris: [options.redirectUri],
          grant_types: ["authorization_code", "refresh_token"],
        },
      ],
      claims: {
        openid: ["sub"],
        profile: ["name", "preferred_username"],
        email: ["email"],
        groups: ["groups"],
      },
      conformIdTokenClaims: !options.inIdToken,
      pkce: { required: () => true },
      findAccount: (_: unknown, login: string) => ({
        accountId: login,
        claims: () => ({
          sub: login,
          name: login,
          preferred_username: login,
          email: `${login}@example.com`,
          groups: options.people[login],
        }),
      }),
      // Nobody is asked whether Grafana may know who he is.
      // biome-ignore lint/suspicious/noExplicitAny: it brings no types
      loadExistingGrant: async ({ oidc }: any) => {
        const grant = new provider.Grant({
          clientId: oidc.client.clientId,
          accountId: oidc.session.accountId,
        });
        grant.addOIDCScope(oidc.params.scope);
        await grant.save();
        return grant;
      },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
      jwks: { keys: [privateKey.export({ format: "jwk" })] },
      cookies: { keys: ["a key for tests"] },
      ttl: { Session: 600, Grant: 600, Interaction: 600, AccessToken: 600, IdToken: 600, RefreshToken: 600 },
    });
    const answer = provider.callback();
    const server = createServer(async (request, response) => {
      if (!request.url?.startsWith("/interaction/")) return answer(request, response);
      if (request.method === "GET")
        return response
          .setHeader("Content-Type", "text/html")
          .end('<form method="post"><input name="login"><button>Log in</button></form>');
      const accountId = await field(request, "login");
      if (!(accountId in options.people)) return response.writeHead(403).end("nobody has that name");
      return provider.interactionFinished(request, response, { login: { accountId } });
    });
    await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
    return new Oidc(issuer, server);
  }

  /** Its endpoints, as `grafana.auth.oauth` names them. */
  get endpoints(): { authUrl: string; tokenUrl: string; apiUrl: string } {
    return {
      authUrl: `${this.issuer}/auth`,
      tokenUrl: `${this.issuer}/token`,
      apiUrl: `${this.issuer}/me`,
    };
  }

  /** Ends it. */
  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
