/** A real LDAP directory on loopback: OpenLDAP's server with given entries. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";
import { Server } from "./servers";
import { needs, skip } from "./tools";

/** Folders in which distributions install its schemas, and its modules. */
const schemas = ["/etc/ldap/schema", "/etc/openldap/schema"];
const modules = ["/usr/lib/ldap", "/usr/lib/openldap", "/usr/lib64/openldap"];

/** The programs, which many systems do not have on PATH, or the suite is skipped. For use in a `before` hook. */
export function needsSlapd(context: Mocha.Context): void {
  process.env["PATH"] = [process.env["PATH"], "/usr/sbin"].join(delimiter);
  needs(context, "slapd", "ldapadd");
  if (![schemas, modules].every((places) => places.some(existsSync)))
    skip(context, "slapd has no schemas or modules in the usual folders");
}

export const suffix = "dc=example,dc=com";
const root = { dn: `cn=root,${suffix}`, password: "root" };

/** DNs of users and groups in the directory. */
const personDn = (login: string) => `uid=${login},ou=people,${suffix}`;
export const groupDn = (name: string) => `cn=${name},ou=groups,${suffix}`;

export interface Directory {
  /** Groups of each user; the password of a user is `password of <name>`. */
  people: Record<string, string[]>;
  /** The only account that may search for users, with its password. */
  reader: { dn: string; password: string };
}

export const passwordOf = (login: string) => `password of ${login}`;

/** An entry; its RDN is one of its attributes. */
function entry(dn: string, attributes: [string, string][]): string {
  const [, by = "", name = ""] = /^(\w+)=([^,]+)/.exec(dn) ?? [];
  const all = [...attributes, [by, name] as const];
  // In Base64, because a value can contain any characters.
  const lines = all.map(([attribute, value]) => `${attribute}:: ${Buffer.from(value).toString("base64")}`);
  return [`dn: ${dn}`, ...lines, ""].join("\n");
}

const unit = (name: string) => entry(`ou=${name},${suffix}`, [["objectClass", "organizationalUnit"]]);

/** Its content as LDIF. */
function ldif({ people, reader }: Directory): string {
  const groups = [...new Set(Object.values(people).flat())];
  return [
    entry(suffix, [["objectClass", "domain"]]),
    unit("people"),
    unit("groups"),
    entry(reader.dn, [
      ["objectClass", "organizationalRole"],
      ["objectClass", "simpleSecurityObject"],
      ["userPassword", reader.password],
    ]),
    ...Object.keys(people).map((login) =>
      entry(personDn(login), [
        ["objectClass", "inetOrgPerson"],
        ["cn", login],
        ["givenName", login],
        ["sn", "Example"],
        ["mail", `${login}@example.com`],
        ["userPassword", passwordOf(login)],
      ]),
    ),
    ...groups.map((group) =>
      entry(groupDn(group), [
        ["objectClass", "groupOfNames"],
        ...Object.entries(people)
          .filter(([, member]) => member.includes(group))
          .map(([login]): [string, string] => ["member", personDn(login)]),
      ]),
    ),
  ].join("\n");
}

/** slapd.conf: https://www.openldap.org/doc/admin25/slapdconfig.html */
const configuration = (folder: string, { reader }: Directory) => `
${["core", "cosine", "inetorgperson"].map((name) => `include ${schemas.find(existsSync)}/${name}.schema`).join("\n")}
modulepath ${modules.find(existsSync)}
moduleload back_mdb
moduleload memberof
pidfile ${folder}/slapd.pid
TLSCertificateFile ${folder}/tls.crt
TLSCertificateKeyFile ${folder}/tls.key
database mdb
directory ${folder}/data
suffix "${suffix}"
rootdn "${root.dn}"
rootpw ${root.password}
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${reader.dn}" read by * none
`;

export class Slapd {
  private constructor(private readonly server: Server) {}

  /**
   * Starts one in an empty folder.
   *
   * @param ports `plain` for connections without TLS and for StartTLS, `tls` for those with TLS
   * @param certificate its certificate and key
   */
  static async start(
    folder: string,
    directory: Directory,
    ports: { plain: number; tls: number },
    certificate: { cert: string; key: string },
  ): Promise<Slapd> {
    mkdirSync(join(folder, "data"), { recursive: true });
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    file("tls.crt", certificate.cert);
    file("tls.key", certificate.key);
    const url = `ldap://127.0.0.1:${ports.plain}/`;
    const urls = `${url} ldaps://127.0.0.1:${ports.tls}/`;
    const config = file("slapd.conf", configuration(folder, directory));
    // With a debug level, even this one, it stays in the foreground.
    const server = await Server.start("slapd", ["-d", "0", "-h", urls, "-f", config], {
      folder,
      ready: () =>
        new Promise((done, fail) => {
          const socket = connect(ports.plain, "127.0.0.1", () => {
            socket.end();
            done(true);
          });
          socket.once("error", fail);
        }),
    });
    const entries = file("all.ldif", ldif(directory));
    try {
      // Through the server, because the overlay then writes memberOf.
      const add = ["-x", "-H", url, "-D", root.dn, "-w", root.password, "-f", entries];
      execFileSync("ldapadd", add, { stdio: "pipe" });
    } catch (error) {
      await server.stop();
      throw error;
    }
    return new Slapd(server);
  }

  /** Stops it. */
  stop(): Promise<void> {
    return this.server.stop();
  }
}
