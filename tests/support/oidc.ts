/** A real OpenID Connect provider on loopback, with users in groups. */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";

export interface OidcOptions {
  port: number;
  /** The client, and the URL to which users are redirected. */
  client: { id: string; secret: string; redirectUri: string };
  /** The groups of each user, by login name; changes take effect immediately. */
  people: Record<string, string[]>;
  /** Lifetime of access and ID tokens, in seconds. */
  seconds: number;
  /** Whether access tokens come with a refresh token. @default false */
  renews?: boolean;
  /** Whether the ID token contains all claims, or only the userinfo endpoint returns them. @default false */
  inIdToken?: boolean;
}

/** The provider's data about a request. */
interface Request {
  oidc: {
    client: { clientId: string };
    session: { accountId: string };
    params: Record<string, string>;
  };
}

/** A field of a submitted form. */
async function field(request: IncomingMessage, name: string): Promise<string> {
  let body = "";
  for await (const part of request) body += part;
  return new URLSearchParams(body).get(name) ?? "";
}

export class Oidc {
  /** Grant types of issued tokens: `authorization_code`, `refresh_token`. */
  readonly granted: string[] = [];
  /** Reasons for rejected requests. */
  readonly refused: string[] = [];

  private constructor(
    readonly issuer: string,
    private readonly server: Server,
  ) {}

  /** Starts one that accepts every known user name; it requires PKCE and no password. */
  static async start(options: OidcOptions): Promise<Oidc> {
    // @ts-expect-error It has no types.
    const { default: Provider } = await import("oidc-provider");
    const { port, client, people, seconds } = options;
    const issuer = `http://127.0.0.1:${port}`;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: client.id,
          client_secret: client.secret,
          redirect_uris: [client.redirectUri],
          grant_types: ["authorization_code", "refresh_token"],
        },
      ],
      claims: { profile: ["name"], email: ["email"], groups: ["groups"] },
      conformIdTokenClaims: !options.inIdToken,
      pkce: { required: () => true },
      findAccount: (_: unknown, name: string) =>
        name in people && {
          accountId: name,
          claims: () => ({ sub: name, name, email: `${name}@example.com`, groups: people[name] }),
        },
      // Users are not asked for consent.
      loadExistingGrant: async ({ oidc }: Request) => {
        const { clientId } = oidc.client;
        const grant = new provider.Grant({ clientId, accountId: oidc.session.accountId });
        grant.addOIDCScope(oidc.params["scope"]);
        await grant.save();
        return grant;
      },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
      issueRefreshToken: () => options.renews ?? false,
      jwks: { keys: [privateKey.export({ format: "jwk" })] },
      cookies: { keys: ["a key for tests"] },
      ttl: {
        AccessToken: seconds,
        IdToken: seconds,
        ...Object.fromEntries(
          ["Session", "Grant", "Interaction", "RefreshToken"].map((name) => [name, 3600]),
        ),
      },
    });
    const answer = provider.callback();
    const server = createServer(async (request, response) => {
      if (!request.url?.startsWith("/interaction/")) return answer(request, response);
      if (request.method === "GET")
        return response
          .setHeader("Content-Type", "text/html")
          .end('<form method="post"><input name="login"><button>Log in</button></form>');
      const accountId = await field(request, "login");
      if (!(accountId in people)) return response.writeHead(403).end("unknown user");
      return provider.interactionFinished(request, response, { login: { accountId } });
    });
    await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
    const oidc = new Oidc(issuer, server);
    provider.on("grant.success", ({ oidc: { params } }: Request) =>
      oidc.granted.push(params["grant_type"] ?? ""),
    );
    provider.on("grant.error", (_: unknown, { error }: { error: string }) => oidc.refused.push(error));
    return oidc;
  }

  /** Its endpoints, with the keys of `grafana.auth.oauth`. */
  get endpoints(): { authUrl: string; tokenUrl: string; apiUrl: string } {
    return {
      authUrl: `${this.issuer}/auth`,
      tokenUrl: `${this.issuer}/token`,
      apiUrl: `${this.issuer}/me`,
    };
  }

  /** Stops it. */
  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
