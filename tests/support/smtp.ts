/** A small SMTP server on loopback: STARTTLS with a certificate of its own, and AUTH PLAIN. */
import { createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { generate } from "selfsigned";

/** A message that the server accepted. */
export interface Mail {
  from: string;
  to: string[];
  /** Whether the connection was encrypted. */
  encrypted: boolean;
  /** Headers and body. */
  text: string;
}

/** State of a client's connection. */
interface Session {
  from: string;
  to: string[];
  encrypted: boolean;
  loggedIn: boolean;
  /** Lines of a message, while it is being received. */
  lines?: string[];
}

const argument = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? "";

export class Smtp {
  readonly mails: Mail[] = [];
  private readonly server = createServer((socket) => this.greet(socket));

  private constructor(
    private readonly user: string,
    private readonly password: string,
    private readonly keys: { cert: string; private: string },
  ) {}

  /** Starts a server with one user, for the host name `localhost`. */
  static async start(user: string, password: string): Promise<Smtp> {
    const keys = await generate([{ name: "commonName", value: "localhost" }], {
      extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
    });
    const smtp = new Smtp(user, password, keys);
    await new Promise<void>((done) => smtp.server.listen(0, "127.0.0.1", done));
    return smtp;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** Certificate that clients must trust. */
  get certificate(): string {
    return this.keys.cert;
  }

  stop(): void {
    this.server.close();
  }

  private greet(socket: Socket): void {
    this.converse(socket, { from: "", to: [], encrypted: false, loggedIn: false });
    socket.write("220 localhost ESMTP\r\n");
  }

  private converse(socket: Socket, session: Session): void {
    let rest = "";
    const onData = (data: Buffer) => {
      const lines = (rest + data.toString("utf8")).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const answer = this.answer(line, session);
        if (answer) socket.write(`${answer}\r\n`);
        if (line === "STARTTLS" && answer?.startsWith("220")) {
          socket.off("data", onData);
          this.converse(
            new TLSSocket(socket, { isServer: true, cert: this.keys.cert, key: this.keys.private }),
            { from: "", to: [], encrypted: true, loggedIn: false },
          );
          return;
        }
      }
    };
    socket.on("data", onData).on("error", () => {});
  }

  private answer(line: string, session: Session): string | undefined {
    if (session.lines) {
      if (line !== ".") {
        session.lines.push(line.replace(/^\.\./, "."));
        return undefined;
      }
      const { from, to, encrypted, lines } = session;
      this.mails.push({ from, to, encrypted, text: lines.join("\n") });
      Object.assign(session, { to: [], lines: undefined });
      return "250 accepted";
    }
    const [verb = ""] = line.toUpperCase().split(" ");
    switch (verb) {
      case "EHLO":
        return session.encrypted ? "250-localhost\r\n250 AUTH PLAIN" : "250-localhost\r\n250 STARTTLS";
      case "STARTTLS":
        return "220 go ahead";
      case "AUTH":
        session.loggedIn =
          Buffer.from(line.split(" ")[2] ?? "", "base64").toString() === `\0${this.user}\0${this.password}`;
        return session.loggedIn ? "235 authenticated" : "535 wrong password";
      case "MAIL":
        session.from = argument(line);
        return session.loggedIn ? "250 ok" : "530 authentication required";
      case "RCPT":
        session.to.push(argument(line));
        return "250 ok";
      case "DATA":
        session.lines = [];
        return "354 end with a dot";
      case "QUIT":
        return "221 bye";
      default:
        return "502 unknown command";
    }
  }
}
